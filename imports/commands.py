"""What the commands share: waiting for a job, its JSON, its exit code."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from imports import retry_directory
from imports.engine import queue, sweeper
from imports.ledger import bulk_actions
from imports.ledger.left_out import count_not_proven
from imports.ledger.lifecycle import NotAllowed, start
from imports.ledger.retries import how_many_wait
from imports.ledger.totals import Totals, describe, job_totals
from imports.models import BulkAction, ImportJob
from imports.models.jobs import Rollout
from imports.outside_text import on_one_line, printable
from imports.sealing.keys import Unreadable
from imports.states import ENDED_JOBS, EventCode, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.core.management.base import CommandParser

ALL_SUCCEEDED, SOME_FAILED, BAD_INPUT = 0, 1, 2
LOOK_SECONDS = 0.5
END_LOOK_SECONDS = 0.05  # how soon the end is seen
NO_WORKER = (
    "No worker is running: nothing will happen until one does. Start one with `make worker`."
)


def refuse(message: str) -> NoReturn:
    """End with exit code 2: the usage or the input is at fault, and the message says how."""
    raise CommandError(message, returncode=BAD_INPUT)


def find_job(job_id: int) -> ImportJob:
    """The job of that id, or exit code 2."""
    job = ImportJob.objects.filter(pk=job_id).first()
    return job if job is not None else refuse(f"There is no job {job_id}.")


def finish(bulk_action: BulkAction) -> None:
    """Carry a bulk action out to its end, beside any worker that is at it."""
    while not BulkAction.objects.filter(pk=bulk_action.pk).exclude(finished_at=None).exists():
        if not bulk_actions.carry_on(bulk_action):
            time.sleep(0.1)  # a worker holds it
    bulk_action.refresh_from_db()


def add_rollout(parser: CommandParser) -> None:
    """`--begin`: how much of a job goes out at first."""
    parser.add_argument(
        "--begin",
        choices=Rollout.values,
        default=Rollout.ALL.value,
        help="one: one batch, then the job pauses until it is resumed in the admin; ramp: 1, 5, "
        "50, then all, pausing if a whole stage fails",
    )


class TextCommand(BaseCommand):
    """A command whose options may hold names in any bytes, as file systems and shells allow.

    Before it runs, the settings are checked. The code is not, which would load all pages.
    """

    requires_system_checks = ("settings",)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it with text that can be stored and printed. Paths stay as they are."""
        texts = {key: printable(one) for key, one in options.items() if isinstance(one, str)}
        try:
            return super().execute(*args, **options | texts)
        except Unreadable as error:
            refuse(str(error))


class JobCommand(TextCommand):
    """A command about one job: `--json`, and `--wait` where the command starts one."""

    waits = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the job as one JSON object")
        if self.waits:
            parser.add_argument(
                "--wait", action="store_true", help="wait for the end, showing progress"
            )

    def launch(self, job: ImportJob, options: dict[str, Any]) -> None:
        """Start a draft, enqueue it and report; with --wait once it has ended."""
        try:
            start(job, "command line", options["begin"])
        except NotAllowed as refusal:
            refuse(str(refusal))
        self.follow(job, options)

    def follow(self, job: ImportJob, options: dict[str, Any]) -> None:
        """Enqueue a started job and report; with --wait once it has ended."""
        queue.enqueue_on_commit(job.pk)
        if options["wait"]:
            wait_for(job, self.stderr.write)
        self.report(job, options, exit_with_verdict=options["wait"])

    def report(self, job: ImportJob, options: dict[str, Any], *, exit_with_verdict: bool) -> None:
        """Print the job; exit 1 where it ended with failures or unknowns."""
        job.refresh_from_db()
        summary = describe(job)
        self.stdout.write(json.dumps(summary) if options["json"] else in_words(job, summary))
        if exit_with_verdict and (code := verdict(job, summary)):
            sys.exit(code)


def verdict(job: ImportJob, summary: dict[str, Any]) -> int:
    """The exit code of an ended job; one that went back to a draft was refused: bad input.

    A record that could not be sent has not succeeded, nor has one that was left out because it
    may be imported already, or is still on its way.
    """
    if job.status == JobStatus.DRAFT:
        return BAD_INPUT
    not_done = summary["error"] or summary["unknown"] or summary["left_out"]
    clean = not (not_done or count_not_proven(job)) and job.status != JobStatus.CANCELLED
    return ALL_SUCCEEDED if clean and not summary["pending"] else SOME_FAILED


def in_words(job: ImportJob, summary: dict[str, Any]) -> str:
    """A few lines for a person."""
    lines = [
        f"Job {job.pk}, {on_one_line(job.name)}: {job.get_status_display().lower()}",
        "  {total:,} records = {success:,} succeeded + {error:,} failed + {unknown:,} unknown"
        " + {excluded:,} excluded + {pending:,} pending".format(**summary),
    ]
    if job.status == JobStatus.PAUSED and job.pause_message:
        lines.append(f"  Paused: {job.pause_message}")
    lines += _about_excluded(job, summary)
    if summary["retry_files_error"]:
        lines.append(
            f"  The retry files could not be written to {settings.RETRY_FILES_DIR}: "
            f"{retry_directory.reason(summary['retry_files_error'])}. Nothing is lost. They are "
            f"tried again; or write them elsewhere: manage.py retry_files {job.pk} --output DIR"
        )
    if job.api and job.api.mapping.get("proof") == "status":
        lines.append("  This API's HTTP status alone is proof: what it drops counts as imported.")
    if summary["retry_directory"]:
        lines.append(f"  Retry files: {summary['retry_directory']}")
    wait = how_many_wait(job)
    if wait.failed:
        lines.append(f"  Try the failed ones again: python manage.py retry_failed {job.pk} --wait")
    elif summary["error"]:
        lines.append("  The failed ones were sent again since: see the later jobs.")
    if wait.unknown:
        lines.append(
            "  Look the unknown ones up in the receiving system before you send them again."
        )
    if job.status == JobStatus.DRAFT and (
        event := job.events.filter(code=EventCode.INPUT_REFUSED).last()
    ):
        lines.append(f"  Refused, and nothing of it is kept: {event.message}")
    return "\n".join(lines)


def _about_excluded(job: ImportJob, summary: dict[str, Any]) -> Iterator[str]:
    if summary["left_out"]:
        yield (
            f"  {summary['left_out']:,} of the excluded could not be sent. Correct them in the "
            "left_out files of the retry directory."
        )
    if not_proven := count_not_proven(job):
        yield (
            f"  {not_proven:,} of the excluded were left out, and it is not proven that they are "
            "imported."
        )


def wait_for(job: ImportJob, say: Callable[[str], object], pause: float = LOOK_SECONDS) -> None:
    """Show a bar on standard error until the job has ended and its files are written.

    It sweeps where nothing moves: a job that is waited for goes on with one worker and nothing
    else running. A job that pauses for a person is reported and no longer waited for.
    """
    if not queue.worker_count():
        say(NO_WORKER)
    before = None
    with _Bar() as bar:
        while not _ended(job):
            totals = job_totals(job)
            bar.show(totals)
            if job.status == JobStatus.PAUSED:
                job.refresh_from_db()
                say(
                    f"Paused. {job.pause_message or 'Somebody paused it.'} Resume it in the admin."
                )
                return
            if totals == before:
                sweeper.sweep()
            before = totals
            _wait_for_end(job, pause)
        bar.show(job_totals(job))
    job.refresh_from_db()


def _wait_for_end(job: ImportJob, seconds: float) -> None:
    """Wait for so long, or until the job has ended and its files are written."""
    for _look in range(max(1, round(seconds / END_LOOK_SECONDS))):
        time.sleep(min(seconds, END_LOOK_SECONDS))
        if _ended(job):
            return


class _Bar(tqdm):  # type: ignore[type-arg]
    """A bar on a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        often = 0.1 if sys.stderr.isatty() else 15.0
        super().__init__(unit=" records", file=sys.stderr, dynamic_ncols=True, mininterval=often)

    def show(self, one: Totals) -> None:
        self.total = one.total or None
        self.set_postfix(failed=one.error, unknown=one.unknown, refresh=False)
        self.update(one.total - one.pending - self.n)


def _ended(job: ImportJob) -> bool:
    job.refresh_from_db(fields=["status", "closed_at"])
    closed = job.status in ENDED_JOBS and job.closed_at is not None
    return closed or job.status == JobStatus.DRAFT
