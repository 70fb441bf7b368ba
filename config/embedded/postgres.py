"""The embedded PostgreSQL server: whether it answers, how it starts and stops."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import psycopg

from config.embedded import cluster
from config.embedded.places import EmbeddedServerError, make_socket_folder, socket_folder_for
from config.embedded.process import end, named_in, wait_until, works_in

if TYPE_CHECKING:
    import pwd
    from pathlib import Path

    import psutil

DATABASE = "redrive"
# fsync and synchronous_commit stay on: the ledger is only worth something if it survives.
NOBODY = "99999999"  # a process number that no system gives
CHILDREN_SECONDS = 20.0  # a killed postmaster's children notice, and end, well before that
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def socket_folder() -> Path:
    """The folder of its socket: HOST, for libpq."""
    return socket_folder_for("pg")


def postmaster_file() -> Path:
    """Its pid file, in the data folder."""
    return cluster.data() / "postmaster.pid"


def connect(database: str = "postgres") -> psycopg.Connection:
    """A connection that commits each statement. Raises psycopg.OperationalError."""
    return psycopg.connect(
        host=str(socket_folder()),
        dbname=database,
        user=cluster.USER,
        connect_timeout=5,
        autocommit=True,
    )


def answers() -> bool:
    """Whether it runs here with our database. One without our pid file is a deleted home's."""
    return postmaster_file().exists() and bool(databases())


def databases() -> int | None:
    """How many databases of our name there are, 0 or 1; None when nobody answers."""
    try:
        with connect() as connection:
            query = "SELECT count(*) FROM pg_database WHERE datname = %s"
            row = connection.execute(query, [DATABASE]).fetchone()
            return int(row[0]) if row else None
    except psycopg.OperationalError:
        return None


def running() -> psutil.Process | None:
    """Our postmaster, whether it answers or not."""
    process = named_in(postmaster_file(), "postgres")
    return process if process and works_in(process, cluster.data()) else None


def start() -> None:
    """Start it in a session of its own, whatever a former one left behind; create the database."""
    who = cluster.prepare()
    if who is None:
        make_socket_folder("pg")
    else:
        make_socket_folder("pg", who.pw_uid, who.pw_gid)
    end_unreachable()
    if running() is None:
        clear_leftovers()
        launch(who)
    wait_until(lambda: databases() is not None, f"PostgreSQL does not answer; see {cluster.log()}")
    if databases() == 0:
        with connect() as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def end_unreachable() -> None:
    """End one that has our socket but a deleted home, or our data but a deleted socket."""
    if not postmaster_file().exists():
        end_holder_of_our_socket()
    ours = running()
    if ours is not None and not (socket_folder() / ".s.PGSQL.5432").exists():
        end(ours, signal.SIGINT, f"A PostgreSQL without a socket (pid {ours.pid}) does not end.")


def end_holder_of_our_socket() -> None:
    """End the server of a home that was here before and was deleted while it ran."""
    holder = named_in(socket_folder() / ".s.PGSQL.5432.lock", "postgres")
    if holder is not None:
        leftover = f"The PostgreSQL of a deleted REDRIVE_HOME (pid {holder.pid}) does not end."
        end(holder, signal.SIGQUIT, leftover)


def clear_leftovers() -> None:
    """After kill -9: have the files that name the dead postmaster name nobody.

    PostgreSQL refuses to start when the number in such a file now belongs to any process of the
    same user. The rest of the pid file stays: from it, PostgreSQL learns whether the dead one's
    children still work on the data.
    """
    if postmaster_file().exists():
        lines = postmaster_file().read_text().split("\n", 1)
        postmaster_file().write_text("\n".join([NOBODY, *lines[1:]]))
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (socket_folder() / name).unlink(missing_ok=True)


def launch(who: pwd.struct_passwd | None) -> None:
    """pg_ctl gives it a session of its own, and returns when it answers or failed."""
    # pg_ctl hands the options to a shell; none of these values has a character special to one.
    options = [f"-c {name}={value}" for name, value in SETTINGS.items()]
    options.append(f"-k {socket_folder()}")
    where = [f"--pgdata={cluster.data()}", f"--log={cluster.log()}"]
    command = ["start", *where, f"--options={' '.join(options)}", "--wait", "--timeout=60"]
    deadline = time.monotonic() + CHILDREN_SECONDS
    while True:
        try:
            return cluster.run(who, "pg_ctl", *command)
        except EmbeddedServerError as error:
            if "shared memory block" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def stop() -> None:
    """Stop it, if it runs: transactions end, all is written, connections are closed ("fast")."""
    process = running()
    if process is not None:
        end(process, signal.SIGINT, f"PostgreSQL (pid {process.pid}) does not end.")
    elif not postmaster_file().exists():
        end_holder_of_our_socket()
