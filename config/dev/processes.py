"""`python -m config.dev.processes run|worker`: what `make run` and `make worker` run.

Prepares the database, starts the Procfile's processes under honcho, and ends them warmly.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import django
import honcho.manager
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from honcho.environ import expand_processes, parse_procfile
from honcho.printer import Printer

from config.dev import servers
from config.dev.process_guard import die_with
from config.dev.server_processes import EmbeddedServerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from honcho.printer import Message

PROJECT = Path(__file__).resolve().parents[2]
PROCESSES = {"run": ("web", "worker", "sweeper", "sandbox"), "worker": ("worker", "sweeper")}
MIGRATING = 7_305_001  # the advisory lock of "somebody is migrating"
# honcho kills what has not ended after this long. A worker may need it to finish its requests;
# each request has its own deadline, and you can always press Ctrl-C again.
honcho.manager.KILL_WAIT = 3600
# Lines that may wait to be printed. A process that prints faster waits, as at a terminal. Without
# a limit, waiting lines filled the memory, and all were printed before anything could end.
LINES_AHEAD = 1000


class Processes(honcho.manager.Manager):  # type: ignore[misc] # honcho has no types
    """honcho's manager, which here lets requests in flight finish, unless Ctrl-C comes twice.

    honcho acts within its signal handlers, which fails when the signal interrupts a line that is
    being printed. Here they only take note, and `heed` acts between two events.
    """

    def __init__(self, printer: Printer) -> None:
        super().__init__(printer)
        # honcho's own queue has no limit. From the start on, `Heeding` is around this one.
        self.events: Any = multiprocessing.Queue(LINES_AHEAD)
        self.noted: list[int] = []
        self.cut_off = False

    def _start(self) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, lambda signum, _frame: self.noted.append(signum))
        manager = os.getpid()
        # honcho puts a process between itself and each process guard; it ignores SIGTERM.
        os.register_at_fork(after_in_child=lambda: die_with(manager, signal.SIGKILL))
        super()._start()
        self.events = Heeding(self.events, self.heed)

    def heed(self) -> None:
        """End all when a signal asked for it; cut off what is in flight at the second Ctrl-C."""
        if not self.noted or not self._all_started():
            return
        if not self._terminating:
            self.returncode = 128 + self.noted[0]
            self._system_print("Finishing what is in flight. Ctrl-C again cuts it off.\n")
            self.terminate()
        elif self.noted.count(signal.SIGINT) > 1 and not self.cut_off:
            self.cut_off = True
            self.kill()


class PatientPrinter(Printer):  # type: ignore[misc] # honcho has no types
    """Drops lines that cannot be written: a full disk under the log ends no process.

    Where nobody reads any more, all of it ends.
    """

    def write(self, message: Message) -> None:
        try:
            super().write(message)
        except BrokenPipeError:
            raise
        except OSError:
            return


@dataclass
class Heeding:
    """honcho's queue of events: before each, `first` is called."""

    events: multiprocessing.Queue[Message]
    first: Callable[[], None]

    def get(self, timeout: float) -> Message:
        """The next event. Raises queue.Empty after that many seconds."""
        self.first()
        return self.events.get(timeout=timeout)


def port_in_use(port: int) -> bool:
    """Whether a process listens on that local port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def settle_ports() -> None:
    """Put PORT, SANDBOX_PORT and SANDBOX_URL in the environment; exit when a port is taken."""
    for name, default in (("PORT", 8000), ("SANDBOX_PORT", 8001)):
        port = int(os.environ.setdefault(name, str(default)))
        if port_in_use(port):
            sys.exit(f"Port {port} is in use. Stop what uses it, or: make run {name}={port + 10}")
    os.environ.setdefault("SANDBOX_URL", f"http://127.0.0.1:{os.environ['SANDBOX_PORT']}")


NOT_MIGRATED = (
    "The database is not what this version needs. Run this on one host, once, then start the "
    "workers: .venv/bin/python manage.py migrate"
)


def prepare_database(name: str) -> None:
    """Migrate, one at a time; on `run` also make the login and the sample, if they are missing.

    A worker of several migrates nothing: other hosts may still run the version before.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    if name == "worker" and not settings.EMBEDDED_POSTGRES:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            sys.exit(NOT_MIGRATED)
        connection.close()
        return
    with connection.cursor() as cursor:  # the lock ends with the connection
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
    call_command("migrate", verbosity=0)
    if name == "run":
        call_command("first_run")
    connection.close()


def run_processes(name: str, workers: int) -> int:
    """Run them until Ctrl-C, SIGTERM, or until one cannot be restarted; the exit code."""
    if sys.platform.startswith("linux"):  # where `_start` relies on it; not the default since 3.14
        multiprocessing.set_start_method("fork", force=True)
    every = parse_procfile((PROJECT / "Procfile").read_text()).processes
    wanted = {process: every[process] for process in PROCESSES[name]}
    manager = Processes(PatientPrinter(sys.stdout, colour=sys.stdout.isatty()))
    numbers = defaultdict(lambda: 1, worker=workers)
    # The Procfile says `python`; lines are shown when they are printed.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = os.environ | {"PATH": path, "PYTHONUNBUFFERED": "1"}
    for process in expand_processes(wanted, concurrency=numbers):
        manager.add_process(
            process.name, process.cmd, env=environment | process.env, cwd=str(PROJECT)
        )
    try:
        manager.loop()
    finally:
        manager.terminate()  # also when nobody reads what we print any more
    return 0 if manager.noted else int(manager.returncode)


def end(signum: int, _frame: object) -> NoReturn:
    """Leave through the regular exit, also before honcho takes over."""
    sys.exit(128 + signum)


def main(arguments: list[str]) -> int:
    """The whole life of `make run` or `make worker`; 2 for bad usage or missing servers."""
    name = arguments[0] if arguments else ""
    if name not in PROCESSES:
        sys.stderr.write("usage: python -m config.dev.processes run|worker\n")
        return 2
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    die_with(os.getppid())
    try:
        servers.ensure_unnamed()
        if name == "run":
            settle_ports()
        prepare_database(name)
        return run_processes(name, int(os.environ.get("WORKERS", "2")))
    except EmbeddedServerError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
