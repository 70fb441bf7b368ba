"""An installation of its own, with real processes that may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Any

import psycopg
import redis
from psycopg.rows import dict_row

from config.dev import servers
from config.dev.sandbox.customer_api import CUSTOMERS_PATH
from tests.config.commands import PROJECT, Command, environment, wipe
from tests.faults import new_job

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from config.dev.sandbox.customer_api import SandboxApi

PATIENCE_SECONDS = 180.0
POSSIBLE_EFFECTS = {"success": {1}, "error": {0}, "unknown": {0, 1}}
# Each customer's status, and whether the counts of its batch are those of the batch's results.
STANDING = """
SELECT r.key, r.status, (b.size, b.success_count, b.error_count, b.unknown_count) = (
    SELECT count(*), count(*) FILTER (WHERE status = 'success'),
        count(*) FILTER (WHERE status = 'error'), count(*) FILTER (WHERE status = 'unknown')
    FROM import_results WHERE batch_id = b.id
) AS counted
FROM import_results r JOIN imports_importbatch b ON b.id = r.batch_id WHERE r.job_id = %s
"""


SETTINGS: dict[str, Any] = {
    "batch_size": 2, "concurrency": 4, "timeout_seconds": 2.0, "max_attempts": 3,
}  # fmt: skip


class Installation:
    """One REDRIVE_HOME and what runs in it. Leases and sweeps are short."""

    def __init__(self, home: Path, holder: Command) -> None:
        self.home, self.holder = home, holder
        self.urls = urls_of(home)
        self.started: list[subprocess.Popen[bytes]] = []
        self.first = self.logs_made = 0
        self._maker: subprocess.Popen[str] | None = None
        self._ledger: psycopg.Connection[dict[str, Any]] | None = None
        self.environment = environment(home) | {
            "RETRY_FILES_DIR": str(home / "retries"),
            "LEASE_MARGIN_SECONDS": "1",
            "IDLE_TRANSACTION_SECONDS": "2",
            "SWEEP_SECONDS": "0.2",
            "TURN_SECONDS": "3",
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }

    def begin(self, sandbox_url: str, customers: int, **options: Any) -> Job:
        """A job of the next so many customers, started and enqueued."""
        first, self.first = self.first, self.first + customers
        folder = str(self.home / f"input_{first}")
        asked = [sandbox_url + CUSTOMERS_PATH, folder, customers, first, SETTINGS | options]
        maker = self.maker()
        assert maker.stdin is not None
        assert maker.stdout is not None
        maker.stdin.write(json.dumps(asked) + "\n")
        maker.stdin.flush()
        said = maker.stdout.readline()
        assert said, self.logs()
        return Job(self, int(said))

    def maker(self) -> subprocess.Popen[str]:
        """What makes jobs, a process of its own: for each job a new one would only start."""
        if self._maker is None:
            with self.new_log("new_job") as log:
                self._maker = subprocess.Popen(
                    [sys.executable, "-m", "tests.faults.new_job"], cwd=PROJECT, text=True,
                    env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=log,
                )  # fmt: skip
        return self._maker

    def begin_here(self, sandbox_url: str, customers: int, **options: Any) -> Job:
        """The same in this process, which Django is set up in for this installation."""
        from django.db import connection

        connection.close()  # the database may have been killed since
        first, self.first = self.first, self.first + customers
        folder = self.home / f"input_{first}"
        url = sandbox_url + CUSTOMERS_PATH
        return Job(self, new_job.begin(url, folder, customers, first, SETTINGS | options))

    def start(self, *arguments: str, kept: bool = False) -> subprocess.Popen[bytes]:
        """`manage.py …` as a process of its own; `kept` as the Procfile keeps it."""
        command = [sys.executable, "manage.py", *arguments]
        database = [sys.executable, "-m", "config.dev.process_guard"] if kept else []
        with self.new_log(arguments[0]) as log:
            process = subprocess.Popen(
                [*database, *command], cwd=PROJECT, env=self.environment, stdout=log, stderr=log
            )
        self.started.append(process)
        return process

    def new_log(self, name: str) -> IO[bytes]:
        """Where a process writes."""
        self.logs_made += 1
        return (self.home / f"{name}_{self.logs_made}.log").open("wb")

    def run_until_stopped(self, code: str, *arguments: str) -> None:
        """Run code as a process of its own, and come back when it has stopped itself."""
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], cwd=PROJECT, env=self.environment
        )
        self.started.append(process)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"it ended: {status}"

    def workers(self, number: int, *, kept: bool = False) -> list[subprocess.Popen[bytes]]:
        """So many workers, and the sweeper."""
        self.start("sweep", kept=kept)
        return [self.start("rqworker", kept=kept) for _ in range(number)]

    def end_all(self) -> None:
        """End what this test started, the warm way; what does not end is killed."""
        self.end(*self.started)

    def end(self, *processes: subprocess.Popen[bytes]) -> None:
        """End some of them."""
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.started.remove(process)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What the ledger says; while the database is away it is asked again."""
        for _ in range(100):
            try:
                if self._ledger is None:
                    self._ledger = psycopg.connect(
                        self.urls.database_url, autocommit=True, row_factory=dict_row
                    )
                return self._ledger.execute(query, values).fetchall()
            except psycopg.OperationalError:
                self._forget_ledger()
                time.sleep(0.1)
        raise AssertionError("the database does not come back")

    def _forget_ledger(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def close(self) -> None:
        """Nothing of the tests' own uses it any more."""
        self._forget_ledger()
        if self._maker is not None:
            self._maker.communicate()

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.urls.redis_url)

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.home.glob("*.log")))


class Job:
    """One import under fire, as the ledger of another process tells it."""

    def __init__(self, home: Installation, pk: int) -> None:
        self.home, self.pk = home, pk

    def wait_until(self, what: str, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            assert time.monotonic() < deadline, (
                f"never {what}: {self.summary()}\n{self.home.logs()}"
            )
            time.sleep(0.02)

    def summary(self) -> dict[str, int]:
        rows = self.home.rows(
            "SELECT status, count(*) AS n FROM import_results WHERE job_id = %s GROUP BY 1",
            self.pk,
        )
        return {row["status"]: row["n"] for row in rows}

    def decided(self) -> int:
        return sum(n for status, n in self.summary().items() if status != "pending")

    def wait_until_decided(self, least: int) -> None:
        self.wait_until(f"decided {least}", lambda: self.decided() >= least)

    def sending(self, worker: subprocess.Popen[bytes] | None = None) -> int:
        """How many batches are in flight, of one worker or of all."""
        pattern = f"%:{worker.pid}" if worker else "%"
        return len(
            self.home.rows(
                "SELECT 1 FROM imports_importbatch WHERE job_id = %s AND status = 'sending'"
                " AND worker LIKE %s",
                self.pk, pattern,
            )
        )  # fmt: skip

    def ended_batches(self) -> int:
        """How many of the job's batches have an outcome."""
        return len(
            self.home.rows(
                "SELECT 1 FROM imports_importbatch WHERE job_id = %s AND ended_at IS NOT NULL",
                self.pk,
            )
        )

    def frozen_sender(
        self,
        workers: list[subprocess.Popen[bytes]],
        has_arrived: Callable[[], bool] = lambda: True,
    ) -> subprocess.Popen[bytes]:
        """The first of these that is caught with something in flight: stopped, so that it stays.

        Whoever looks first and stops it then may be too late on a busy machine. `has_arrived`
        tells whether something of it has reached the API as well.
        """
        caught: list[subprocess.Popen[bytes]] = []

        def found() -> bool:
            for worker in workers:
                if not caught and self.sending(worker) and has_arrived():
                    worker.send_signal(signal.SIGSTOP)
                    if self.sending(worker) and has_arrived():
                        caught.append(worker)
                    else:
                        worker.send_signal(signal.SIGCONT)
            return bool(caught)

        self.wait_until("sent by one of them", found)
        return caught[0]

    def has_ended(self) -> bool:
        rows = self.home.rows(
            "SELECT status, closed_at FROM imports_importjob WHERE id = %s", self.pk
        )
        return rows[0]["status"] == "finished" and rows[0]["closed_at"] is not None

    def wait_for_the_end(self) -> None:
        self.wait_until("ended", self.has_ended)

    def customers(self, status: str) -> list[str]:
        rows = self.home.rows(
            "SELECT key FROM import_results WHERE job_id = %s AND status = %s ORDER BY key",
            self.pk, status,
        )  # fmt: skip
        return [row["key"] for row in rows]

    def codes(self) -> set[str]:
        rows = self.home.rows(
            "SELECT DISTINCT error_code AS code FROM import_results WHERE job_id = %s"
            " AND status = 'unknown'",
            self.pk,
        )
        return {row["code"] for row in rows}

    def assert_nothing_lost_nothing_twice(self, sandbox: SandboxApi, total: int) -> None:
        """The ledger and the API's own account agree on every single customer.

        One statement, one moment: late evidence may still come in after the job has ended.
        """
        rows = self.home.rows(STANDING, self.pk)
        assert len(rows) == total
        effects = {row["key"]: sandbox.account.effects(row["key"]) for row in rows}
        for row in rows:
            assert effects[row["key"]] in POSSIBLE_EFFECTS[row["status"]], row
        assert not sandbox.account.more_than_once
        assert not sandbox.account.sent_again
        assert {row["counted"] for row in rows} == {True}, "batches' counts differ from results"


def urls_of(home: Path) -> servers.Urls:
    before = os.environ.get("REDRIVE_HOME")
    os.environ["REDRIVE_HOME"] = str(home)
    try:
        return servers.urls()
    finally:
        if before is None:
            del os.environ["REDRIVE_HOME"]
        else:
            os.environ["REDRIVE_HOME"] = before


def installed(home: Path) -> Generator[Installation, None, None]:
    """A migrated installation whose servers run until the end."""
    holder = Command(home)
    made: Installation | None = None
    try:
        holder.ensure()
        made = Installation(home, holder)
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"],
            capture_output=True, text=True, cwd=PROJECT, check=False,
            env=made.environment | {"IDLE_TRANSACTION_SECONDS": "300"},  # on a busy machine, too
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        if made is not None:
            made.close()
        holder.end()
        wipe(home)
