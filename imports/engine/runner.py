"""The job runner: reads a job's input, keeps up to N batches in flight, and closes the job."""

from __future__ import annotations

import logging
import os
import socket
import time
from contextlib import ExitStack
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import psycopg
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connection, transaction
from django.db.models.functions import Now

from imports import job_types
from imports.engine.stopping import StopRequest
from imports.ledger import batches, bulk_actions, claims, lifecycle, lookups, outcomes
from imports.ledger.claims import planned_once
from imports.messages import Message, MessageError, Text, sentence
from imports.messages import marked as _
from imports.models import ImportJob
from imports.models.bulk_actions import ActionType
from imports.policy import Outcome, Verdict
from imports.sealing.keys import Unreadable
from imports.states import OPEN, EventCode, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from imports.job_types import JobType, Runner, Work
    from imports.models import BulkAction
    from imports.policy import LookedUp

logger = logging.getLogger(__name__)
attempts_logger = logging.getLogger("imports.attempts")  # one line for each, where logs are JSON
LONGEST_TRY_SECONDS = 3600.0
MOST_TURNS = 20  # in a row, so that the runner ends before RQ's time limit
MOST_IN_FLIGHT = 64  # of one runner; more workers send more
PATIENCE_SECONDS = 2.0  # an idle runner then frees its worker for other jobs
LOOK_AGAIN_SECONDS = 0.5
SHARE_SECONDS = 0.5  # until all workers that may join in have done so
ROUND_SECONDS, LEAVE_SECONDS = 2.0, 0.1  # how often, and how long, others may take places
LOOK_FOR_PLACES_SECONDS = 0.05  # while the API's limit leaves a runner with places of its own
# Successes that end within this time are recorded together, while the next batches are in flight.
TOGETHER_SECONDS, MOST_TOGETHER = 0.005, 16
FAILED = sentence("FAILED", _("Redrive itself failed ({error}); see the worker's log."))
FAILED_READING = sentence(
    "FAILED_READING",
    _(
        "Redrive itself failed while reading ({error}). See the worker's log, then start the job "
        "again."
    ),
)
COULD_NOT_BEGIN = sentence("COULD_NOT_BEGIN", _("Sending could not start:"))
CORRECT_SETTINGS = sentence("CORRECT_SETTINGS", _("Correct the settings, then resume the job."))
SEE_LOG = sentence("SEE_LOG", _("{error}; see the worker's log."))
OUR_PACKAGES = ("imports", "bills")
# psycopg's own errors, too: the ledger's SQL bypasses the ORM. A host that wakes up after a freeze
# gets an internal error, because the server ended its transaction meanwhile.
DATABASE_AWAY = (
    OperationalError,
    InterfaceError,
    InternalError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,
)

stopping = StopRequest()  # on shutdown: finish what is in flight, claim nothing more


def worker_name() -> str:
    """The host and process that hold a claim."""
    return f"{socket.gethostname()}:{os.getpid()}"


def host_name() -> str:
    """This host and installation, for a job's log: workers of one see the same files."""
    return f"{socket.gethostname()} ({settings.HOME})"[:150]


def leave_to_others(job: ImportJob, unseen: job_types.InputOutOfSight) -> None:
    """Say that this host cannot see the job's files. The sweeper enqueues the job again."""
    logger.warning("job %s: %s %s", job.pk, EventCode.FILES_OUT_OF_SIGHT, unseen)
    lifecycle.leave_to_others(job, host_name(), unseen.message)


def read_input(job: ImportJob) -> bool:
    """Cut a queued job's input into batches, all or nothing; True if this call did it."""
    kind = job_types.get(job.kind)
    try:
        if not job.batches.exists():
            kind.bring_input(job)
        with transaction.atomic():
            mine = ImportJob.objects.select_for_update(skip_locked=True, no_key=True)
            if not mine.filter(pk=job.pk, status=JobStatus.QUEUED).exists():
                return False  # another worker is reading it
            if job.batches.exists():  # a retry has its batches from the start
                claims.inherit(job)
            else:
                kind.read(job)
            lifecycle.begin(job)
    except job_types.InputOutOfSight as error:
        leave_to_others(job, error)
        return False
    except job_types.UnreadableInput as error:
        lifecycle.refuse_input(job, error.message)
        return False
    except job_types.ReadLater:
        return False  # the sweeper enqueues this job again
    except DATABASE_AWAY:
        raise  # the sweeper enqueues this job again
    except Exception as error:  # otherwise it would be enqueued, and fail, forever
        logger.exception("job %s: its input could not be read", job.pk, extra={"job": job.pk})
        lifecycle.refuse_input(job, FAILED_READING.format(error=type(error).__name__))
        return False
    lifecycle.finish_if_done([job.pk])  # there may be no record to send
    job.refresh_from_db()
    return True


def prepare_draft(job: ImportJob) -> None:
    """Do what a worker has to do for a draft, or leave it to one that can see its files."""
    try:
        job_types.get(job.kind).prepare_draft(job)
    except job_types.InputOutOfSight as error:
        leave_to_others(job, error)


def run(job: ImportJob, others_wait: Callable[[], bool] = lambda: True, workers: int = 1) -> bool:
    """Claim, send and record until nothing is due or the turn is over; True if there is more.

    `others_wait` says whether other work is in the queue; if not, the turn is extended. With
    several `workers` each at first takes its share of what may be in flight.
    """
    kind = job_types.get(job.kind)
    places = min(job.concurrency, MOST_IN_FLIGHT)
    with ExitStack() as opened:
        try:
            runner = opened.enter_context(kind.runner(job, places))
        except Exception as error:  # invalid settings or keys: a person must act
            logger.exception("job %s: sending could not begin", job.pk, extra={"job": job.pk})
            lifecycle.pause_for(job, "CANNOT_SEND", _cannot_send(error))
            return False
        opened.enter_context(planned_once())
        read_on = opened.enter_context(kind.reading(job))
        share = min(places, -(-job.concurrency // max(workers, 1)))
        more = _JobRunner(job, kind, runner, Places(places, share), others_wait, read_on).work()
    lifecycle.finish_if_done([job.pk])
    return more


def _cannot_send(error: Exception) -> Message:
    """The message for the operator. It quotes only our own errors, which hold no secret."""
    ours = type(error).__module__.partition(".")[0] in OUR_PACKAGES
    said: Text = str(error) if ours else SEE_LOG.format(error=type(error).__name__)
    if isinstance(error, MessageError):
        said = error.message
    return COULD_NOT_BEGIN + said + CORRECT_SETTINGS


def carry_out(bulk_action: BulkAction) -> bool:
    """Continue a bulk action for one turn; True if work remains."""
    ends = time.monotonic() + settings.TURN_SECONDS
    try:
        carry_on = _step_of(bulk_action, ends)
        while carry_on(bulk_action):
            if stopping.is_set() or time.monotonic() > ends:
                return True
    except DATABASE_AWAY:
        raise  # the sweeper enqueues it again
    except Exception as error:  # otherwise it would be enqueued, and fail, forever
        logger.exception(
            "bulk action %s: a chunk could not be carried out", bulk_action.pk,
            extra={"job": bulk_action.job_id},
        )  # fmt: skip
        why = error.message if isinstance(error, Unreadable) else None
        bulk_actions.give_up(bulk_action, why or FAILED.format(error=type(error).__name__))
    return False


def _step_of(bulk_action: BulkAction, ends: float) -> Callable[[BulkAction], bool]:
    """What continues a bulk action; a look-up asks the API for each record, at its pace."""
    if bulk_action.action != ActionType.LOOK_UP:
        return bulk_actions.carry_on
    job = bulk_action.job
    look = job_types.get(job.kind).looker(job)

    def in_turn(raw: bytes) -> LookedUp | None:
        while not lookups.take_slot(job):
            if stopping.wait(min(job.delay_seconds, LOOK_AGAIN_SECONDS) or 0.05):
                return None
            if time.monotonic() > ends:
                return None
        return look(raw)

    return partial(lookups.carry_on, look=in_turn)


def close(job: ImportJob) -> None:
    """Write an ended job's last files, once. If this worker is killed, another one does it.

    A cancelled job stays open while a batch is in flight, because that may still fail.
    """
    with transaction.atomic():
        mine = ImportJob.objects.select_for_update(skip_locked=True, no_key=True)
        if not mine.filter(pk=job.pk, closed_at=None).exists():
            return
        if job.batches.filter(status__in=OPEN).exists() or _is_uncut(job):
            return
        job_types.get(job.kind).close(job)
        ImportJob.objects.filter(pk=job.pk).update(closed_at=Now())


def _is_uncut(job: ImportJob) -> bool:
    return ImportJob.objects.filter(pk=job.pk, uncut_count__gt=0).exists()


def read_rest(job: ImportJob) -> None:
    """Put all that was not read of a cancelled job into the ledger: as not sent."""
    if _is_uncut(job):
        job_types.get(job.kind).read_rest(job)
        lifecycle.sweep_cancelled(job)


def write_retry_files_again(job: ImportJob) -> None:
    """Retry writing the retry files that failed when the job ended, if that is due."""
    with transaction.atomic():
        mine = ImportJob.objects.select_for_update(skip_locked=True, no_key=True)
        if mine.filter(pk=job.pk, retry_files_due_at__lte=Now()).exists():
            job_types.get(job.kind).close(job)


class Places:
    """How many batches a runner may have in flight: at first its share, then all there are.

    Runners that begin together share the work, and the processors. What nobody has taken by
    then is left by workers that do something else, as cutting the job's files. Since whoever has
    a place keeps it, each goes back to its share for a moment now and then: one that comes later
    finds places.
    """

    def __init__(self, most: int, share: int) -> None:
        self._most, self._share = most, share
        self._began = time.monotonic()

    def free(self, taken: int) -> int:
        """How many more may be claimed beside those that are taken."""
        passed = time.monotonic() - self._began
        shares = passed < SHARE_SECONDS or passed % ROUND_SECONDS < LEAVE_SECONDS
        return max((self._share if shares else self._most) - taken, 0)


class _JobRunner:
    """One turn of one job. Only this thread uses the ledger; the sender's threads only send."""

    def __init__(
        self,
        job: ImportJob,
        kind: JobType,
        runner: Runner,
        places: Places,
        others_wait: Callable[[], bool],
        read_on: Callable[[], bool],
    ) -> None:
        self.read_on: Callable[[], bool] | None = read_on  # None: nothing is left to be read here
        self.job, self.kind, self.runner, self.places = job, kind, runner, places
        self.others_wait, self.turns_left = others_wait, MOST_TURNS
        self.lease = kind.lease_seconds(job)
        self.name = worker_name()
        self.in_flight: dict[Future[Outcome], Work] = {}
        self.ended: SimpleQueue[Future[Outcome]] = SimpleQueue()  # not looked at yet
        self.successes: list[outcomes.Finding] = []  # not recorded yet; their places are free
        self.replaced = 0  # of these, by batches that were claimed since
        self.limit = 0  # the highest that a claim has met
        self.record_at = 0.0
        self.look_at = 0.0  # for places that others leave, or for batches that become due
        self.turn_ends = 0.0
        self._begin_turn()
        self.idle_since: float | None = None

    def work(self) -> bool:
        pause: float | None = 0.0
        while True:
            if self._may_claim():
                pause = self._send_more_or_wait()
                if self._read_more():
                    pause = 0.0
                    if not self.in_flight:
                        continue
            if self._record_if_due() and not self.in_flight:
                continue  # what waited for these may be due now
            if not self.in_flight:
                if pause is None or not self._may_claim() or not self._wait_idle(pause):
                    return pause is not None and not stopping.is_set()
                continue
            self.idle_since = None
            self._collect(LOOK_AGAIN_SECONDS if pause is None else max(pause, self._shortest()))

    def _read_more(self) -> bool:
        """Read a little more of the job's input, if that is this worker's; True if more is left.

        If the database is down, what is in flight counts more.
        """
        if self.read_on is None:
            return False
        self._record_successes()  # to read takes a while
        try:
            if self.read_on():
                return True
        except job_types.InputOutOfSight as error:
            leave_to_others(self.job, error)
        except DATABASE_AWAY as error:
            logger.warning("no more can be read for now: %s", type(error).__name__)
            connection.close()
        self.read_on = None
        return False

    def _shortest(self) -> float:
        """How long to wait for an attempt to end: hardly, where there is something else to do."""
        return 0.02 if self.read_on is None else 0.0

    def _begin_turn(self) -> None:
        self.turns_left -= 1
        self.turn_ends = time.monotonic() + settings.TURN_SECONDS

    def _may_claim(self) -> bool:
        if stopping.is_set():
            return False
        if time.monotonic() < self.turn_ends:
            return True
        if not self.turns_left or self.others_wait():
            return False
        self._begin_turn()  # sessions, tokens and the browser stay open
        return True

    def _send_more_or_wait(self) -> float | None:
        """Send more; if the database is down, first let what is in flight finish."""
        try:
            return self._send_more()
        except DATABASE_AWAY as error:
            if not self.in_flight and not self.successes:
                raise
            logger.warning("nothing can be claimed for now: %s", type(error).__name__)
            connection.close()
            return LOOK_AGAIN_SECONDS

    def _send_more(self) -> float | None:
        """Fill the free places; seconds until more may be due, None if nothing will be."""
        room = self.places.free(len(self.in_flight))
        if not room:
            return SHARE_SECONDS
        if (early := self.look_at - time.monotonic()) > 0 and self.in_flight:
            return early
        until = self.kind.rests_until(self.job)
        if until is not None:
            batches.put_off_all(self.job, until)
        over = claims.Over([each.work for each in self.successes], self.replaced, self.limit)
        claim = claims.claim_and_intend(self.job, self.name, room, self.lease, over)
        self.limit = max(self.limit, claim.limit)
        self.replaced = min(self.replaced + len(claim.works), len(self.successes))
        for work in claim.works:
            future = self.runner.submit(work)
            self.in_flight[future] = work
            future.add_done_callback(self.ended.put)
        pause = claim.wait
        if claim.works:
            pause = self.job.delay_seconds or LOOK_FOR_PLACES_SECONDS
        elif pause is not None:
            pause = min(max(pause, LOOK_FOR_PLACES_SECONDS), LOOK_AGAIN_SECONDS)
        self.look_at = time.monotonic() + (LOOK_AGAIN_SECONDS if pause is None else pause)
        return pause

    def _wait_idle(self, pause: float) -> bool:
        """Wait for work to become due; False after PATIENCE_SECONDS without any."""
        now = time.monotonic()
        self.idle_since = self.idle_since or now
        if now - self.idle_since > PATIENCE_SECONDS:
            return False
        stopping.wait(pause)
        return True

    def _collect(self, timeout: float) -> None:
        """Wait for an attempt to end, and take all that have ended.

        A success frees its place at once and is recorded a moment later, with others. Anything
        else may say that nothing more should be sent: it is recorded before more is claimed.
        """
        others: list[outcomes.Finding] = []
        ended = self._next_ended(min(timeout, self._seconds_to_record()))
        while ended is not None:
            work, self.look_at = self.in_flight.pop(ended), 0.0
            finding = outcomes.Finding(work, _outcome(ended, work))
            if finding.outcome.verdict is Verdict.SUCCESS:
                self.record_at = self.record_at or time.monotonic() + TOGETHER_SECONDS
                self.successes.append(finding)
            else:
                others.append(finding)
            ended = self._next_ended(0.0)
        if others:
            self._record_successes()
            self._record(others)

    def _seconds_to_record(self) -> float:
        """Seconds until the successes have to be recorded."""
        if len(self.successes) >= MOST_TOGETHER:
            return 0.0
        return self.record_at - time.monotonic() if self.successes else LOOK_AGAIN_SECONDS

    def _record_if_due(self) -> bool:
        """Record the successes once they have waited long enough, or if nothing is in flight."""
        due = bool(self.successes) and (not self.in_flight or self._seconds_to_record() <= 0)
        if due:
            self._record_successes()
        return due

    def _record_successes(self) -> None:
        if self.successes:
            self._record(self.successes)
            self.successes, self.replaced, self.record_at = [], 0, 0.0

    def _next_ended(self, timeout: float) -> Future[Outcome] | None:
        try:
            return self.ended.get(timeout=max(timeout, 0.0)) if self.in_flight else None
        except Empty:
            return None

    def _record(self, findings: list[outcomes.Finding]) -> None:
        """Record the outcomes; while the database is down, try until their leases expire."""
        give_up_at = time.monotonic() + self.lease
        while True:
            try:
                outcomes.record(self.job, findings)
            except DATABASE_AWAY as error:
                if time.monotonic() > give_up_at:
                    raise  # the sweeper settles them when their leases expire
                logger.warning("outcomes wait for the database: %s", type(error).__name__)
                connection.close()
                time.sleep(LOOK_AGAIN_SECONDS)
            else:
                _log(findings)
                return


def _log(findings: list[outcomes.Finding]) -> None:
    for finding in findings:
        verdict, code = finding.outcome.verdict, finding.outcome.code
        attempts_logger.info(
            "attempt ended: %s %s", verdict, code,
            extra=finding.work.log_ids | {"verdict": str(verdict), "code": code},
        )  # fmt: skip


def _outcome(future: Future[Outcome], work: Work) -> Outcome:
    """The future's outcome. A future that raises is a bug of ours, and its outcome is unknown."""
    error = future.exception()
    if error is None:
        return future.result()
    logger.error("an attempt ended in a bug of ours", exc_info=error, extra=work.log_ids)
    return Outcome(
        Verdict.UNKNOWN,
        "INTERNAL_ERROR",
        FAILED.format(error=type(error).__name__),
    )
