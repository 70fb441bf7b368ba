"""A local nginx that accepts whatever is posted and says 201: the fastest API there is."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """
worker_processes 1; daemon off; pid {home}/pid; error_log {home}/errors;
events {{ worker_connections 512; }}
http {{
  access_log off; client_max_body_size 10m; client_body_buffer_size 1m; keepalive_requests 1000000;
  client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
  uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
  server {{
    listen 127.0.0.1:{port};
    location / {{ default_type application/json; return 201 '{{"ok": true}}'; }}
  }}
}}
"""


class NoNginx(Exception):
    """The bench cannot run: nginx is not here and cannot be installed unattended."""


def nginx() -> str:
    """nginx's path; installed from the system's packages where that can be done unattended."""
    found = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if not found and shutil.which("apt-get"):
        for command in (["update", "-qq"], ["install", "-y", "-qq", "nginx-light"]):
            subprocess.run(["apt-get", *command], check=False, capture_output=True)  # noqa: S607
        found = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if not found:
        raise NoNginx(
            "The bench posts to nginx. Install it (Debian: apt-get install nginx-light)."
        )
    return found


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextmanager
def running() -> Iterator[str]:
    """The URL of a sink that runs as long as the block."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="redrive-sink-") as home:
        Path(home).chmod(0o755)
        config = Path(home, "nginx.conf")
        config.write_text(CONFIG.format(home=home, port=port))
        process = subprocess.Popen(
            [nginx(), "-c", str(config), "-p", home], stderr=subprocess.DEVNULL
        )
        try:
            _await(port)
            yield f"http://127.0.0.1:{port}/customers"
        finally:
            process.terminate()
            process.wait(10)


def _await(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise NoNginx("nginx did not start.")
