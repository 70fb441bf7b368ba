"""PostgreSQL and Redis of our own, for whoever names none: found or started, stopped after use.

Everything they keep is in REDRIVE_HOME. Nothing here listens on a port, and nobody else gets in.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import environ

from config.embedded import cluster, redis_server, users
from config.embedded import postgres as postgresql
from config.embedded.places import EmbeddedServerError, home, remove_sockets

__all__ = ["EmbeddedServerError", "Urls", "ensure", "ensure_unnamed", "home", "urls", "wipe"]

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the embedded servers of this REDRIVE_HOME listen, running or not.

    `database_url` is for libpq and psycopg; `database` is the same as an entry for DATABASES.
    """

    database_url: str
    redis_url: str
    database: dict[str, object]


def urls() -> Urls:
    """Name the addresses. Starts and creates nothing."""
    folder, name, user = postgresql.socket_folder(), postgresql.DATABASE, cluster.USER
    return Urls(
        database_url=f"postgresql://{user}@/{name}?host={folder}",
        redis_url=f"unix://{redis_server.socket_path()}",
        database={
            "ENGINE": "django.db.backends.postgresql",
            "HOST": str(folder),
            "NAME": name,
            "USER": user,
        },
    )


def ensure(postgres: bool = True, redis: bool = True) -> None:
    """Find the wanted servers running, or start them; return when they answer.

    Cheap when they run (one ping each), so it can be called again at any time. From the first
    call on, this process counts as a user of the servers until it ends. Raises
    EmbeddedServerError with a sentence for the operator when a server cannot be started.
    """
    wanted = [s for s, asked in ((postgresql, postgres), (redis_server, redis)) if asked]
    if not wanted:
        return
    users.join(home(), stop)
    for server in wanted:
        if not server.answers():
            with users.starting(home()):
                if not server.answers():  # another command may have started it meanwhile
                    server.start()


def ensure_unnamed() -> None:
    """`ensure` what neither the environment nor .env names (DATABASE_URL, REDIS_URL)."""
    environ.Env.read_env(PROJECT / ".env")
    ensure(postgres="DATABASE_URL" not in os.environ, redis="REDIS_URL" not in os.environ)


def stop() -> None:
    """Stop both servers, as far as they run. For the last user; others are cut off."""
    redis_server.stop()
    postgresql.stop()


def wipe() -> None:
    """Stop the servers and delete all that REDRIVE_HOME holds. Refuses while they are in use."""
    with users.alone(home()):
        stop()
        cluster.delete()
        remove_sockets()
        users.empty(home())
