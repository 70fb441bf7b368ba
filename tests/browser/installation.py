"""A whole Redrive of its own, as `make run` starts it: web, one worker, sweeper and sandbox."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from config.dev.sandbox.samples import customer_id, write_files
from tests.config.commands import run_python
from tests.listener import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS, END_SECONDS, COMMAND_SECONDS = 180, 60, 180
READY = (re.compile("Listening at: http"), re.compile("The sandbox listens on"))


@dataclass(frozen=True, slots=True)
class Installation:
    """Where a running Redrive is. Nothing here touches the ledger but through its own doors."""

    home: Path
    url: str  # "http://127.0.0.1:8000"
    sandbox: str  # the same for the fake outside world
    commands: subprocess.Popen[str]  # tests/browser/commands.py

    def admin(self, path: str = "") -> str:
        """The address of a page of the admin."""
        return f"{self.url}/admin/{path}"

    def job(self, job_id: int, path: str = "progress/") -> str:
        """The address of a job's tab, or of what is done on it."""
        return self.admin(f"imports/importjob/{job_id}/{path}")

    def manage(self, *arguments: str) -> str:
        """What a management command prints. Raises AssertionError when it can't be obeyed."""
        assert self.commands.stdin is not None
        assert self.commands.stdout is not None
        overdue = threading.Timer(COMMAND_SECONDS, self.commands.kill)
        overdue.start()
        self.commands.stdin.write(json.dumps(arguments) + "\n")
        self.commands.stdin.flush()
        said = self.commands.stdout.readline()
        overdue.cancel()
        assert said, f"not done in {COMMAND_SECONDS} s: {arguments}"
        ended = json.loads(said)
        assert ended["code"] in (0, 1), ended["err"]
        return str(ended["out"])

    def run_import(self, files: list[Path], name: str) -> int:
        """Import these files from the command line, and wait for the end; the job's id."""
        options = ["--api", "Sandbox", "--name", name, "--wait", "--json"]
        summary = self.manage("import_customers", *(str(file) for file in files), *options)
        return int(json.loads(summary)["job"])

    def run_bills(self, csv: Path, name: str) -> int:
        """Fetch the bills of these credentials, and wait for the end; the job's id."""
        options = ["--portal", "Sandbox portal", "--name", name, "--wait", "--json"]
        return int(json.loads(self.manage("download_bills", str(csv), *options))["job"])

    def files(self, first: int, customers: int, per_file: int = 250) -> list[Path]:
        """Files of these sample customers, numbered from `first`."""
        folder = self.home / "walks" / f"customers_{first}"
        return write_files(folder, customers, per_file=per_file, first=first)

    def refuse(self, *numbers: int, fault: str = "result_error") -> None:
        """From now on the API refuses these sample customers for good, with a reason."""
        names = [customer_id(number) for number in numbers]
        order = {"match": {"customer_id": names}, "fault": fault}
        ordered = requests.post(f"{self.sandbox}/api/control/faults", json=order, timeout=30)
        ordered.raise_for_status()

    def forgive(self) -> None:
        """The cause is gone: nothing is refused any more."""
        requests.delete(f"{self.sandbox}/api/control/faults", timeout=30).raise_for_status()

    def account(self) -> dict[str, Any]:
        """What arrived at the sandbox, customer by customer."""
        answer = requests.get(f"{self.sandbox}/api/account", timeout=30)
        found: dict[str, Any] = answer.json()
        return found

    def effects(self, first: int, customers: int) -> set[int]:
        """How often each of these sample customers was stored; {1} is what one wants to see."""
        stored = self.account()["customers"]
        return {stored.get(customer_id(n), 0) for n in range(first, first + customers)}


@contextmanager
def installed(home: Path) -> Iterator[Installation]:
    """`make run` in that folder, from the first start until it has ended."""
    web, sandbox = free_ports(2)
    environment = os.environ | {
        "REDRIVE_HOME": str(home),
        "RETRY_FILES_DIR": str(home / "retries"),
        "PORT": str(web),
        "SANDBOX_PORT": str(sandbox),
        "SANDBOX_URL": f"http://127.0.0.1:{sandbox}",
        "WORKERS": "1",
    }
    (home / "retries").mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "config.dev.processes", "run"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log = Log(process, home / "processes.log")
    try:
        log.await_ready()
        url, outside = (f"http://127.0.0.1:{port}" for port in (web, sandbox))
        with commanding(environment) as commands:
            yield Installation(home, url, outside, commands)
    finally:
        end(process)
        log.reader.join(END_SECONDS)
        # Its database may lie outside of the folder, where pytest removes nothing.
        run_python(home, "-m", "config.dev.servers", "wipe")


@contextmanager
def commanding(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """What carries out commands in that installation, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.commands"],
        cwd=PROJECT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.communicate()


class Log:
    """What the processes print, kept in a file; it says when all of them are ready."""

    def __init__(self, process: subprocess.Popen[str], path: Path) -> None:
        self.process, self.path = process, path
        self.awaited = list(READY)
        self.settled = threading.Event()  # ready, or ended before it was
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.path.open("w", encoding="utf-8") as file:
            for line in self.process.stdout:
                file.write(line)
                file.flush()
                self.awaited = [each for each in self.awaited if not each.search(line)]
                if not self.awaited:
                    self.settled.set()
        self.settled.set()

    def await_ready(self) -> None:
        """Returns when pages and sandbox answer. Raises AssertionError with the log if not."""
        self.settled.wait(START_SECONDS)
        assert not self.awaited, f"Redrive did not start:\n{self.path.read_text()}"


def end(process: subprocess.Popen[str]) -> None:
    """End it as Ctrl-C would; by force when it takes too long."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # what it started ends with it
        process.wait()
