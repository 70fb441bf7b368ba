"""What each step costs for 1,000 to 1,000,000 records, and with which exponent that grows.

One batch in ten is refused whole, so that failures are a tenth of the records: they are grouped,
planned as a retry, written to retry files and sent again. `BENCH_GROWTH=1000,10000` sets sizes.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, override_settings

from imports.admin.job import actions
from imports.customers import drafts, retry_files
from imports.engine import runner
from imports.ledger import bulk_actions, claims, lifecycle, outcomes
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import BulkAction, CustomerApi, ImportJob
from imports.policy import Outcome, Verdict
from tests.bench import importing
from tests.bench.cutting import cut
from tests.bench.pages import own_database
from tests.bench.plot import log_log, slope
from tests.bench.posting import Broken
from tests.bench.reading import Peak
from tests.bench.results import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = tuple(map(int, os.environ.get("BENCH_GROWTH", "1000,10000,100000,1000000").split(",")))
ONE_IN, IN_FLIGHT, LEASE = 10, 32, 600.0
DUE = (1_000, 100_000)  # batches, for the cost of a claim
CLAIMS = 20
STEPS = (
    "checking", "cutting", "claiming", "recording", "grouping failures", "planning a retry",
    "writing retry files", "sending again",
)  # fmt: skip
STORED = Outcome(Verdict.SUCCESS, http_status=201, answer='{"data": []}')
REFUSED = Outcome(
    Verdict.REJECTED, "HTTP_422", sentence("BENCH_REFUSED", _("The API refused it.")),
    http_status=422,
)  # fmt: skip


def run() -> Section:
    """Every size once, from the smallest to the largest, in one database of its own."""
    section = Section("Growth: seconds of each step against the records")
    lines: dict[str, list[tuple[float, float]]] = {step: [] for step in STEPS}
    with own_database(), importing.api() as url, override_settings(STOP_AFTER_BATCHES=10**9):
        client = Client(SERVER_NAME="localhost")
        client.force_login(User.objects.create(username="anna", is_staff=True, is_superuser=True))
        _Steps(url, SIZES[0], client).run()  # for nobody: what is done once is done then
        for size in SIZES:
            steps = _Steps(url, size, client)
            with Peak() as peak:
                steps.run()
            for step in STEPS:
                lines[step].append((size, steps.seconds[step]))
            _add_size(section, size, steps, peak.megabytes)
        _add_bloat(section)
        _add_claims(section)
    for step, points in lines.items():
        seconds = ", ".join(f"{seconds:.3g} s" for _size, seconds in points)
        section.add(f"{step}: {', '.join(f'{size:,}' for size in SIZES)} records", seconds)
        if len(points) > 2:
            section.add(f"{step}: exponent from {SIZES[-2]:,} on", f"{slope(points[-2:]):.2f}")
        section.ratio(f"{step}: exponent", slope(points), at_most=1.05)
    section.pictures["growth.svg"] = log_log(lines, "records", "seconds")
    return section


def _add_size(section: Section, size: int, steps: _Steps, megabytes: float) -> None:
    section.add(
        f"{size:,} records, {size // ONE_IN:,} of them failed: private memory of one process "
        "that does all of it",
        f"{megabytes:,.0f} MB at most",
    )
    section.add(
        f"{size:,} records: the page answers “Retry failed” after",
        f"{steps.seconds['page'] * 1000:,.0f} ms",
    )


class _Steps:
    """One job from its file to the last retry, a step at a time."""

    def __init__(self, url: str, size: int, client: Client) -> None:
        self.url, self.size, self.client = url, size, client
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[step] += time.perf_counter() - started

    def run(self) -> None:
        importing.api_row(self.url, IN_FLIGHT)
        path = importing.customers(self.size)
        job = drafts.new_draft(CustomerApi.objects.get(name="naming"), f"growth {self.size}")
        with self._timed("checking"):
            drafts.add_path(job, path)
        job = self._cut(job)
        self._post(job)
        with self._timed("grouping failures"):
            actions.causes(job)
        with (
            tempfile.TemporaryDirectory(prefix="redrive-bench-") as folder,
            self._timed("writing retry files"),
        ):
            retry_files.write(job, Path(folder))
        self._send_again(job)

    def _cut(self, job: ImportJob) -> ImportJob:
        lifecycle.start(job)
        job = ImportJob.objects.select_related("api", "rate_limit").get(pk=job.pk)
        with self._timed("cutting"):
            cut(job)
        return job

    def _post(self, job: ImportJob) -> None:
        """Claim and record as a runner does, with an outcome at hand instead of a request."""
        while True:
            with self._timed("claiming"):
                works = claims.claim_and_intend(job, "bench", IN_FLIGHT, LEASE).works
            if not works:
                break
            findings = [
                outcomes.Finding(
                    replace(work, body=b""), STORED if work.number % ONE_IN else REFUSED
                )
                for work in works
            ]
            with self._timed("recording"):
                outcomes.record(job, findings)
        lifecycle.finish_if_done([job.pk])

    def _send_again(self, job: ImportJob) -> None:
        with self._timed("page"):
            answer = self.client.post(
                f"/admin/imports/importjob/{job.pk}/failures/retry/", {"which": "all"}
            )
        action = BulkAction.objects.filter(job=job).first()
        if answer.status_code != 302 or action is None:
            raise Broken(f"The page answered {answer.status_code}.")
        with self._timed("planning a retry"):
            while action.finished_at is None and bulk_actions.carry_on(action):
                pass
        self.seconds["planning a retry"] += self.seconds["page"]
        action.refresh_from_db()
        again = action.made
        with self._timed("sending again"):
            again = ImportJob.objects.select_related("api", "rate_limit").get(pk=again.pk)
            runner.read_input(again)
            while runner.run(again):
                pass
        left = again.results.exclude(status="success").count()
        if left or again.results.count() != self._failed(job):
            raise Broken(f"{left} of the records that were sent again did not succeed.")

    def _failed(self, job: ImportJob) -> int:
        return job.results.filter(status="error").count()


def _add_bloat(section: Section) -> None:
    """What the updates of the largest job have left in its tables, autovacuum as it is set."""
    with connection.cursor() as sql:
        sql.execute("SELECT pg_stat_force_next_flush()")
        sql.execute(BLOAT)
        for table, inserts, updates, hot, dead, megabytes in sql.fetchall():
            section.add(
                f"{table} after {inserts:,} inserts and {updates:,} updates",
                f"{megabytes:,.0f} MB with indexes; {hot / max(updates, 1):.0%} of the updates "
                f"in place (HOT); {dead:,} dead rows wait for autovacuum",
            )


BLOAT = """
SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_dead_tup,
       pg_total_relation_size(relid) / 1e6
FROM pg_stat_user_tables WHERE relname IN ('import_results', 'imports_importbatch')
ORDER BY relname
"""


def _add_claims(section: Section) -> None:
    """What a claim costs that finds few batches due, and one that finds many."""
    few, many = (_claim_milliseconds(due) for due in DUE)
    section.add(
        f"a claim of {IN_FLIGHT} among {DUE[0]:,} and {DUE[1]:,} due batches",
        f"{few:.1f} ms, {many:.1f} ms",
    )
    section.ratio("a claim among many : among few", many / few, at_most=2.0)


def _claim_milliseconds(due: int) -> float:
    job = drafts.new_draft(CustomerApi.objects.get(name="naming"), f"{due} due")
    ImportJob.objects.filter(pk=job.pk).update(status="running", concurrency=10**6)
    with connection.cursor() as sql:
        sql.execute(DUE_BATCHES, [job.pk, job.pk, due])
        sql.execute("UPDATE imports_ratelimit SET concurrency = 1000000")
        sql.execute("VACUUM ANALYZE imports_importbatch")
    job.refresh_from_db()
    taken = []
    for _turn in range(CLAIMS):
        started = time.perf_counter()
        claim = claims.claim_and_intend(job, "bench", IN_FLIGHT, LEASE)
        taken.append(time.perf_counter() - started)
        if len(claim.works) != min(IN_FLIGHT, due):
            raise Broken(f"{len(claim.works)} batches were claimed.")
        claims_over(job)
    return sorted(taken)[CLAIMS // 4] * 1000  # the others were disturbed


def claims_over(job: ImportJob) -> None:
    """What was claimed has ended: the next claim finds nothing in flight."""
    job.batches.filter(status="sending").update(status="done", success_count=1)


DUE_BATCHES = """
INSERT INTO imports_importbatch (job_id, number, part, status, body, head_length, tail_length,
    body_sha256, idempotency_key, size)
SELECT %s, n, 0, 'pending', '{"data": [{}]}', 10, 2, '', 'due-' || %s || '-' || n, 1
FROM generate_series(1, %s) n
"""
