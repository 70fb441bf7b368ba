"""How gunicorn serves Redrive: `gunicorn -c config/gunicorn.py`.

`make run`, systemd, the container and docs/production.md all use this file.
"""

from __future__ import annotations

import socket
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import environ

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))  # gunicorn reads this file before it goes there

from config import logs  # noqa: E402

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter

env = environ.Env()
if (PROJECT / ".env").is_file():
    environ.Env.read_env(PROJECT / ".env")

chdir = str(PROJECT)
wsgi_app = "config.wsgi"
bind = env.str("BIND", default=f"127.0.0.1:{env.int('PORT', default=8000)}")

# One process by default: its threads wait for the database and for clients, and each process
# has connections of its own. A client that reads slowly holds one thread, not the service.
worker_class = "gthread"
workers = env.int("WEB_PROCESSES", default=1)
threads = env.int("WEB_THREADS", default=32)
worker_connections = 1000
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a heartbeat only

# A large upload or export takes minutes: only a process that hangs as a whole is ended. After
# SIGTERM no new connection is accepted, and requests have WEB_STOP_SECONDS to end.
timeout = 300
graceful_timeout = env.int("WEB_STOP_SECONDS", default=30)
keepalive = 15

limit_request_line = 8190  # bytes
limit_request_fields = 100
limit_request_field_size = 8190  # bytes

# gunicorn's own lines look like all others.
logconfig_dict = logs.configuration(env.str("LOG_FORMAT", default="text"), "INFO")
logconfig_dict["loggers"] = {"gunicorn.error": {"handlers": ["console"], "level": "INFO"}}

# Django alone decides what a proxy's headers mean (BEHIND_PROXY).
forwarded_allow_ips = ""
control_socket_disable = True

STALLED_SECONDS = 60  # a client that takes or gives no byte for so long is disconnected


def when_ready(server: Arbiter) -> None:
    """Let no dead client hold a thread: accepted sockets inherit these from the listener.

    Where the kernel can, it keeps a connection to itself until there is a byte to read.
    """
    limit = struct.pack("ll", STALLED_SECONDS, 0)
    for listener in server.LISTENERS:
        sock: Any = listener.sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        if sock.family != socket.AF_UNIX and hasattr(socket, "TCP_DEFER_ACCEPT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, STALLED_SECONDS)
