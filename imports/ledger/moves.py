"""A job's own moves: started, paused, resumed, cancelled, finished. Each says who and why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Greatest, Least, Now
from django.utils.translation import gettext as _

from imports import kinds, policy
from imports.event_codes import EventCode
from imports.ledger import waves
from imports.ledger.notices import announce
from imports.messages import cause_of, sentence
from imports.messages import marked as gettext_noop
from imports.models import (
    Gate,
    ImportBatch,
    ImportFile,
    ImportJob,
    ImportResult,
    JobEvent,
    Plan,
)
from imports.models.files import FileStatus
from imports.models.notices import What
from imports.states import (
    ENDED_JOBS,
    JOB_MOVES,
    OPEN,
    BatchStatus,
    JobStatus,
    ResultStatus,
    sources,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet

    from imports.messages import Text

UNDER_WAY = (JobStatus.RUNNING, JobStatus.PAUSED)
NOT_NOW_TOO_LONG = sentence(
    "NOT_NOW_TOO_LONG",
    gettext_noop(
        "For more than {hours} hours nothing came back but requests to wait: {reason} Ask "
        "whoever runs it when more may be sent, then resume the job."
    ),
)
CANCELLED_CODE = "CANCELLED"
CANCELLED_TEXT = sentence(
    "CANCELLED_TEXT", gettext_noop("Not sent: the job was cancelled. Retry failed sends it.")
)
DUE_NOW = sentence("DUE_NOW", gettext_noop("{n} batches that were due later are due now."))
ABOUT = "INSERT INTO imports_deed (event_id, result_id) SELECT %s, unnest(%s::bigint[])"


class NotAllowed(Exception):
    """This move is not possible now. The message says why, and what is."""


def note(
    job: ImportJob, code: EventCode, message: Text | None = None, actor: str = "",
    reason: str = "", about: Sequence[int] = (),
) -> JobEvent:  # fmt: skip
    """Add a line to the job's log; `about` are the results whose own story tells it, too.

    `reason` are the actor's own words.
    """
    event = JobEvent.objects.create(
        job=job, code=code, message=message, actor=actor, reason=reason
    )
    tell_of(event, about)
    return event


def tell_of(event: JobEvent, results: Sequence[int]) -> None:
    """Let these results' own story tell of the event, too."""
    if results:
        with connection.cursor() as sql:
            sql.execute(ABOUT, [event.pk, list(results)])


def lock(job: ImportJob) -> JobStatus:
    """Hold the job's row until the caller's transaction ends; the status it has now.

    Without its key: what refers to the job (attempts, events) may be written meanwhile.
    """
    held = ImportJob.objects.select_for_update(no_key=True).filter(pk=job.pk)
    return JobStatus(held.values_list("status", flat=True).get())


def move(job: ImportJob, to: JobStatus, **changes: Any) -> bool:
    """Compare-and-set a job's status; False where another was first or it is not allowed."""
    before = sources(JOB_MOVES, to)
    moved = ImportJob.objects.filter(pk=job.pk, status__in=before).update(status=to, **changes)
    job.refresh_from_db()
    return moved == 1


def refuse_incomplete(job: ImportJob) -> None:
    """Raises NotAllowed for a retry that records are still being put into."""
    if Plan.objects.filter(made=job, finished_at=None).exists():
        raise NotAllowed(
            "This retry is still being put together. Wait until all its records are in it."
        )


def start(job: ImportJob, actor: str = "", beginning: str = "") -> None:
    """Queue a draft; `beginning` overrules its setting.

    Raises NotAllowed without files that can be read, or if started before.
    """
    with transaction.atomic():
        lock(job)  # whoever is adding a file comes before or after
        refuse_incomplete(job)
        if ImportFile.objects.filter(job=job, status=FileStatus.INVALID).exists():
            raise NotAllowed(
                _("Some files cannot be read. Remove them, or add corrected ones, then start.")
            )
        if not (job.files.exists() or job.batches.exists()):
            raise NotAllowed(_("There is nothing to import yet. Add files first."))
        if not move(
            job, JobStatus.QUEUED, started_at=Now(), beginning=beginning or F("beginning")
        ):
            raise NotAllowed(
                _("This job is %(status)s: it was started before.")
                % {"status": job.get_status_display().lower()}
            )
        note(job, EventCode.STARTED, waves.intention(job), actor)


def pause(job: ImportJob, actor: str = "") -> bool:
    """Claim nothing more; what is in flight comes back and is recorded."""
    with transaction.atomic():
        paused = move(job, JobStatus.PAUSED, pause_code="BY_HAND", pause_message=None)
        if paused:
            note(job, EventCode.PAUSED, actor=actor)
    return paused


def pause_for(job: ImportJob, code: str, message: Text) -> bool:
    """Pause because a person must act. The first reason stays: False if there is one already."""
    with transaction.atomic():
        paused = move(job, JobStatus.PAUSED, pause_code=code, pause_message=message)
        if paused:
            note(job, EventCode.PAUSED, message)
            announce(job, What.PAUSED, code)
    return paused


def resume(job: ImportJob, actor: str = "") -> bool:
    """Go on, and do not wait for what the API asked before.

    A job that stopped after a wave lets the next one go.
    """
    with transaction.atomic():
        held = ImportJob.objects.select_for_update(no_key=True).get(pk=job.pk)
        stopped = held.pause_code in waves.STOPS
        resumed = ImportJob.objects.filter(pk=job.pk, status=JobStatus.PAUSED).update(
            status=JobStatus.RUNNING,
            pause_code="",
            pause_message=None,
            failing={},
            **(waves.next_of(held) if stopped else {}),
        )
        job.refresh_from_db()
        if resumed:
            _stop_waiting(job)
            note(job, EventCode.RESUMED, waves.what_goes(job) if stopped else None, actor)
    return bool(resumed)


def make_due(job: ImportJob, batches: QuerySet[ImportBatch], actor: str = "") -> int:
    """Let batches that wait for their next attempt be due now; how many."""
    with transaction.atomic():
        later = batches.filter(
            job=job, job__status__in=UNDER_WAY, status=BatchStatus.PENDING,
            next_attempt_at__gt=Now(),
        )  # fmt: skip
        pks = list(later.select_for_update(of=("self",)).values_list("pk", flat=True))
        due = ImportBatch.objects.filter(pk__in=pks, status=BatchStatus.PENDING)
        count = due.update(next_attempt_at=Now())
        if count:
            note(job, EventCode.REQUEUED, DUE_NOW.format(n=count), actor)
    return count


def needs_a_worker(job: ImportJob) -> bool:
    """Whether a worker that gets this job's queue message finds something to do."""
    now = ImportJob.objects.filter(pk=job.pk)
    open_batches = ImportBatch.objects.filter(job=OuterRef("pk"), status__in=OPEN)
    unfinished = Plan.objects.filter(job=OuterRef("pk"), finished_at=None)
    return now.filter(
        Q(status__in=[JobStatus.QUEUED, JobStatus.RUNNING])
        | Exists(unfinished)
        | (Q(status__in=ENDED_JOBS, closed_at=None) & ~Exists(open_batches))
    ).exists()


def can_be_cancelled(job: ImportJob) -> bool:
    """Whether it was started and has not ended."""
    return job.status in (JobStatus.QUEUED, *UNDER_WAY)


def _stop_waiting(job: ImportJob) -> None:
    """Whoever resumes wants to see it go: what was to be sent later is sent now.

    One request still goes first where the other side had said "not now".
    """
    Gate.objects.filter(pk=job.gate_id).update(
        resting_until=None,
        resting_reason=None,
        not_now_count=Least("not_now_count", 1),
        not_now_since=None,
    )
    later = ImportBatch.objects.filter(
        job=job, status=BatchStatus.PENDING, next_attempt_at__gt=Now()
    )
    later.update(next_attempt_at=Now())


def cancel(job: ImportJob, actor: str = "") -> bool:
    """Stop for good. What was not sent is kept as failed; what is in flight is still recorded."""
    with transaction.atomic():
        # First the job, then its gate: whoever needs both takes them in this order.
        if not move(job, JobStatus.CANCELLED, finished_at=Now()):
            return False
        Gate.objects.select_for_update().get(pk=job.gate_id)  # a claim under way ends before
        note(job, EventCode.CANCELLED, actor=actor)
        drop_unsent(job)
        announce(job, What.CANCELLED)
    return True


def drop_unsent(job: ImportJob) -> None:
    """Fail the batches of a cancelled job of which nothing was sent."""
    unsent = [BatchStatus.PENDING, BatchStatus.CLAIMED]
    batches = ImportBatch.objects.filter(job=job, status__in=unsent)
    pks = list(batches.select_for_update().order_by("pk").values_list("pk", flat=True))
    ImportResult.objects.filter(batch_id__in=pks, status=ResultStatus.PENDING).update(
        status=ResultStatus.ERROR,
        error_code=CANCELLED_CODE,
        error=str(CANCELLED_TEXT),
        final_error=str(CANCELLED_TEXT),
        message=CANCELLED_TEXT,
        cause=cause_of(CANCELLED_TEXT),
        updated_at=Now(),
    )
    ImportBatch.objects.filter(pk__in=pks, status__in=unsent).update(
        status=BatchStatus.FAILED,
        error_count=F("size"),
        error_code=CANCELLED_CODE,
        error=str(CANCELLED_TEXT),
        message=CANCELLED_TEXT,
        ended_at=Now(),
        token=None,
    )


def sweep_cancelled(job: ImportJob) -> None:
    """Fail what came back to pending while its job was being cancelled."""
    with transaction.atomic():
        drop_unsent(job)


def rest(job: ImportJob, asked: float | None, reason: Text) -> float:
    """The other side said "not now" or is down: nobody claims of it for so many seconds.

    These grow while nothing else comes back; what came from requests that were already under way
    is said once. Whatever rest is longer holds. After hours of it the job pauses.
    """
    gate = Gate.objects.select_for_update().annotate(at=Now()).get(pk=job.gate_id)
    is_news = not (gate.not_now_count and gate.resting_until and gate.resting_until > gate.at)
    count = gate.not_now_count + is_news
    seconds = policy.deferral(asked, kinds.get(job.kind).budget(job), in_a_row=max(count, 1))
    since = gate.not_now_since or gate.at
    Gate.objects.filter(pk=gate.pk).update(
        resting_until=Greatest("resting_until", Now() + Value(timedelta(seconds=seconds))),
        resting_reason=reason,
        not_now_count=count,
        not_now_since=since,
    )
    if gate.at - since > timedelta(hours=settings.NOT_NOW_HOURS):
        message = NOT_NOW_TOO_LONG.format(hours=f"{settings.NOT_NOW_HOURS:g}", reason=reason)
        pause_for(job, "NOT_NOW_TOO_LONG", message)
    return seconds


def answered(job: ImportJob) -> None:
    """Something else than "not now" came back: the other side's limits hold as they did."""
    Gate.objects.filter(pk=job.gate_id, not_now_count__gt=0).update(
        not_now_count=0, not_now_since=None
    )


def begin(job: ImportJob) -> None:
    """The input is in the ledger: batches may be claimed, those of the first wave before all."""
    now = ImportJob.objects.get(pk=job.pk)  # as it was started, whatever the caller has in hand
    move(job, JobStatus.RUNNING, **waves.next_of(now))


def settle_wave(job: ImportJob) -> bool:
    """Where the wave that was out has ended: let the next one go (True), or pause and say why."""
    if job.wave_limit is None:
        return False
    with transaction.atomic():
        running = ImportJob.objects.filter(pk=job.pk, status=JobStatus.RUNNING)
        held = running.exclude(wave_limit=None).select_for_update(no_key=True).first()
        if held is None or waves.is_out(held):
            return False
        came = waves.last_of(held)
        if came.stops:
            pause_for(held, came.stop_code, came.told())
            return False
        running.filter(wave=held.wave).update(**waves.next_of(held))
        held.refresh_from_db()
        note(held, EventCode.WAVE_ENDED, came.sums() + waves.what_goes(held))
    return True


def refuse_input(job: ImportJob, message: Text) -> None:
    """The input could not be read: back to a draft, with nothing of it imported."""
    with transaction.atomic():
        if move(job, JobStatus.DRAFT, started_at=None):
            note(job, EventCode.INPUT_REFUSED, message)
            announce(job, What.REFUSED)


def finish_if_done(job_ids: Iterable[int]) -> list[int]:
    """Finish those of the jobs in which nothing is pending or in flight; their ids.

    Of the others, settle those that send in waves: the sweeper then rings for what may leave.
    """
    open_batches = ImportBatch.objects.filter(job_id=OuterRef("pk"), status__in=OPEN)
    finished = []
    for job in ImportJob.objects.filter(pk__in=job_ids, status__in=UNDER_WAY):
        still_going = ImportJob.objects.filter(pk=job.pk, status__in=UNDER_WAY)
        with transaction.atomic():
            done = still_going.exclude(Exists(open_batches)).update(
                status=JobStatus.FINISHED, finished_at=Now(), pause_code="", pause_message=None
            )
            if done:
                note(job, EventCode.FINISHED)
                announce(job, What.FINISHED)
                finished.append(job.pk)
        if not done:
            settle_wave(job)
    return finished
