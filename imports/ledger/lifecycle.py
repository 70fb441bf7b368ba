"""The lifecycle of a job: start, pause, resume, cancel, finish, and its staged rollout."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, Sum, Value
from django.db.models.functions import Greatest, Least, Now

from imports import job_types, policy
from imports.ledger.left_out import count_left_out
from imports.ledger.totals import job_totals
from imports.messages import Message, MessageError, Text, cause_of, in_general, sentence
from imports.messages import marked as gettext_noop
from imports.models import (
    Attempt,
    BulkAction,
    Channel,
    ImportBatch,
    ImportFile,
    ImportJob,
    ImportResult,
    JobEvent,
    Notification,
    NotificationDelivery,
    RateLimit,
)
from imports.models.jobs import Rollout
from imports.models.notifications import Wanted, What
from imports.states import (
    ENDED_JOBS,
    JOB_MOVES,
    OPEN,
    BatchStatus,
    EventCode,
    FileStatus,
    JobStatus,
    ResultStatus,
    sources,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet

GOES = (EventCode.STARTED, EventCode.RESUMED)  # what people do to set a job going


def announce(
    job: ImportJob, what: What, cause: str = "", message: Text | None = None, path: str = ""
) -> None:
    """Record a notification for everybody who wants it, in the transaction that moved the status.

    Nothing is sent here. The same notification is not repeated until the job is started again.
    `path` is the page to act on, where it is another than the job's.
    """
    channels = list(Channel.objects.filter(is_active=True).defer("secret"))
    if not channels:
        return
    notification, is_news = Notification.objects.get_or_create(
        job=job,
        what=what,
        cause=cause,
        go=JobEvent.objects.filter(job=job, code__in=GOES).count(),
        defaults={
            "job_totals": asdict(job_totals(job)) | {"left_out": count_left_out(job)},
            "message": message,
            "path": path,
        },
    )
    if is_news:
        wanting = [
            each for each in channels if each.wanted == Wanted.ALL or needs_somebody(notification)
        ]
        NotificationDelivery.objects.bulk_create(
            NotificationDelivery(notification=notification, channel=each) for each in wanting
        )


def needs_somebody(notification: Notification) -> bool:
    """Whether a person must act."""
    if notification.what not in (What.FINISHED, What.CANCELLED):
        return True
    return any(notification.job_totals.get(each) for each in ("error", "unknown", "left_out"))


SIZES: dict[str, tuple[int, ...]] = {  # in batches; all the rest follows the last stage
    Rollout.ALL: (),
    Rollout.ONE: (1,),
    Rollout.RAMP: (1, 5, 50),
}
INTENTIONS: dict[str, Message] = {
    Rollout.RAMP: sentence("RAMP_UP", gettext_noop("Ramp up: 1, 5, 50, then all")),
}
DONE = {
    "imported": sentence("STAGE_IMPORTED", gettext_noop("{n} of {total} imported")),
    "downloaded": sentence("STAGE_DOWNLOADED", gettext_noop("{n} of {total} downloaded")),
}
SOME_FAILED = sentence("STAGE_SOME_FAILED", gettext_noop("{n} failed"))
SOME_EXCLUDED = sentence("STAGE_SOME_EXCLUDED", gettext_noop("{n} excluded"))
SOME_UNKNOWN = sentence("STAGE_SOME_UNKNOWN", gettext_noop("{n} unknown"))
CAME_TO = sentence("STAGE_TOTALS", gettext_noop("{parts}."))
WENT_OUT = {  # by what the records are
    "customer": sentence(
        "FIRST_BATCH_WENT_OUT", gettext_noop("The first batch was sent: {parts}.")
    ),
    "credential": sentence(
        "FIRST_ACCOUNT_TRIED", gettext_noop("The first account was tried: {parts}.")
    ),
}
WHAT_IS_FIRST = {
    "customer": sentence("ONE_FIRST", gettext_noop("One batch, then ask me")),
    "credential": sentence("ONE_ACCOUNT_FIRST", gettext_noop("One account, then ask me")),
}
LOOK_AT_IT = sentence("LOOK_AT_IT", gettext_noop("Check it, then continue."))
FAILED_AGAIN = sentence(
    "STAGE_FAILED_AGAIN",
    gettext_noop(
        "The last {batches} failed again with the same error: {cause} Nothing more was sent."
    ),
)
FIRST_FAILED_AGAIN = {
    "customer": sentence(
        "FIRST_FAILED_AGAIN",
        gettext_noop(
            "The first batch failed again with the same error: {cause} Nothing more was sent."
        ),
    ),
    "credential": sentence(
        "FIRST_ACCOUNT_FAILED_AGAIN",
        gettext_noop(
            "The first account failed again with the same error: {cause} No other was tried."
        ),
    ),
}
NONE_ARRIVED = sentence(
    "STAGE_NONE_ARRIVED",
    gettext_noop(
        "No record of the last {batches} is known to have arrived: {cause} Nothing more was sent."
    ),
)
FIRST_NOT_ARRIVED = sentence(
    "FIRST_NOT_ARRIVED",
    gettext_noop(
        "No record of the first batch is known to have arrived: {cause} Nothing more was sent."
    ),
)
ALL_FAILED = sentence(
    "STAGE_ALL_FAILED",
    gettext_noop("All of the last {batches} failed: {cause} Nothing more was sent."),
)
FIRST_FAILED = {
    "customer": sentence(
        "FIRST_FAILED",
        gettext_noop("All of the first batch failed: {cause} Nothing more was sent."),
    ),
    "credential": sentence(
        "FIRST_ACCOUNT_FAILED",
        gettext_noop("The first account failed: {cause} No other was tried."),
    ),
}
THE_REST_GOES = sentence("THE_REST_GOES", gettext_noop("All the rest is sent."))
NEXT_GOES = sentence("NEXT_STAGE", gettext_noop("The next stage is sent: {batches}."))
FIRST_BATCH = "FIRST_BATCH"  # the batch that the operator wanted to check was sent
STAGE_FAILED = "STAGE_FAILED"  # no record of a stage succeeded
STOPS = (FIRST_BATCH, STAGE_FAILED)


@dataclass(frozen=True, slots=True)
class RolloutStage:
    """The result of one rollout stage, in records. `cause` is its most frequent failure message.

    `again`: every failure has a cause with which the same records had failed before.
    """

    asks: bool
    kind: str
    number: int  # from 1
    batches: int
    records: int
    success: int
    error: int
    unknown: int
    cause: Text
    again: bool

    @property
    def stops(self) -> bool:
        """Whether a person must look before more is sent."""
        return self.asks or not self.success

    @property
    def stop_code(self) -> str:
        return FIRST_BATCH if self.asks else STAGE_FAILED

    def job_totals(self) -> Message:
        """ "240 of 250 imported, 10 failed." """
        return CAME_TO.format(parts=self._parts())

    def _parts(self) -> tuple[Message, ...]:
        parts = [
            DONE[job_types.get(self.kind).record_done].format(n=self.success, total=self.records)
        ]
        if self.error:
            parts.append(SOME_FAILED.format(n=self.error))
        if self.unknown:
            parts.append(SOME_UNKNOWN.format(n=self.unknown))
        return tuple(parts)

    def summary(self) -> Message:
        """Why the job waits."""
        noun = job_types.get(self.kind).record_noun
        if self.asks:
            return WENT_OUT[noun].format(parts=self._parts()) + self.cause + LOOK_AT_IT
        if self.number == 1:
            how = FIRST_NOT_ARRIVED if self.unknown else FIRST_FAILED[noun]
            return (FIRST_FAILED_AGAIN[noun] if self.again else how).format(cause=self.cause)
        how = NONE_ARRIVED if self.unknown else ALL_FAILED
        batches = job_types.batches(self.kind, self.batches)
        return (FAILED_AGAIN if self.again else how).format(batches=batches, cause=self.cause)


def results_of(job: ImportJob) -> Message | None:
    """What an ended job came to, for its log; None where it had nothing to send."""
    found = job_totals(job)
    if not found.total:
        return None
    done = DONE[job_types.get(job.kind).record_done]
    parts = [done.format(n=found.success, total=found.total)]
    counts = {SOME_FAILED: found.error, SOME_UNKNOWN: found.unknown, SOME_EXCLUDED: found.excluded}
    parts += [part.format(n=count) for part, count in counts.items() if count]
    return CAME_TO.format(parts=tuple(parts))


def intention(job: ImportJob) -> Message | None:
    """The rollout of the job, for its log; None if all of it goes out at once."""
    if job.rollout == Rollout.ONE:
        return WHAT_IS_FIRST[job_types.get(job.kind).record_noun]
    return INTENTIONS.get(job.rollout)


def next_of(job: ImportJob) -> dict[str, int | None]:
    """The fields that start the job's next stage, which is all the rest if no more is left."""
    sizes = SIZES[job.rollout]
    if job.stage >= len(sizes):
        return {"stage": job.stage, "stage_limit": None}
    size = sizes[job.stage]
    numbers = list(_later(job)[: size + 1])
    return {"stage": job.stage + 1, "stage_limit": numbers[-2] if len(numbers) > size else None}


def sizes_of(job: ImportJob) -> tuple[int, int | None]:
    """The sizes, in batches, of the current stage and of the next; None means all the rest."""
    sizes = SIZES[job.rollout]
    following = sizes[job.stage] if job.stage < len(sizes) else None
    if following is not None and not _later(job)[following : following + 1]:
        following = None
    return sizes[job.stage - 1], following


def what_goes(job: ImportJob) -> Message:
    """What may be sent now, for the log."""
    if job.stage_limit is None:
        return THE_REST_GOES
    size = SIZES[job.rollout][job.stage - 1]
    return NEXT_GOES.format(batches=job_types.batches(job.kind, size))


def _numbers(job: ImportJob) -> QuerySet[ImportBatch, int]:
    """The numbers of the job's batches. The parts of a split batch share its number."""
    return ImportBatch.objects.filter(job=job).values_list("number", flat=True).distinct()


def _later(job: ImportJob) -> QuerySet[ImportBatch, int]:
    """The numbers of the batches that wait for a later stage, in order."""
    return _numbers(job).filter(number__gt=job.stage_limit or 0).order_by("number")


def is_out(job: ImportJob) -> bool:
    """Whether a batch of the current stage is pending or in flight."""
    batches = ImportBatch.objects.filter(job=job, number__lte=job.stage_limit, status__in=OPEN)
    return batches.exists()


def last_of(job: ImportJob) -> RolloutStage:
    """The result of the stage that was sent last, of a job that has more to send."""
    size = SIZES[job.rollout][job.stage - 1]
    before = _numbers(job).filter(number__lte=job.stage_limit).order_by("-number")
    numbers = list(before[:size])
    batches = ImportBatch.objects.filter(job=job, number__in=numbers)
    found = batches.exclude(status=BatchStatus.SPLIT).aggregate(
        records=Sum("size", default=0),
        success=Sum("success_count", default=0),
        error=Sum("error_count", default=0),
        unknown=Sum("unknown_count", default=0),
    )
    cause, again = _why(batches)
    return RolloutStage(
        asks=job.rollout == Rollout.ONE,
        kind=job.kind,
        number=job.stage,
        batches=len(numbers),
        cause=cause,
        again=again,
        **found,
    )


def _why(batches: QuerySet[ImportBatch]) -> tuple[Text, bool]:
    """The most frequent failure message, and whether every failure repeats an earlier one."""
    trouble = Q(status__in=[ResultStatus.ERROR, ResultStatus.UNKNOWN]) & ~Q(error_code="")
    here = ImportResult.objects.filter(trouble, batch__in=batches)
    causes = list(
        here.values_list("error_code", "cause")
        .annotate(n=Count("pk"), example=Min("pk"))
        .order_by("-n", "error_code", "cause")
    )
    if not causes:
        return "", False
    earlier = ImportResult.objects.filter(retries__in=here)
    before = set(earlier.values_list("error_code", "cause").distinct().order_by())
    message = ImportResult.objects.values_list("message", flat=True).get(pk=causes[0][3])
    return in_general(message or ""), all((code, cause) in before for code, cause, *_n in causes)


UNDER_WAY = (JobStatus.RUNNING, JobStatus.PAUSED)
NOT_NOW_TOO_LONG = sentence(
    "NOT_NOW_TOO_LONG",
    gettext_noop(
        "For more than {hours} hours the API only asked Redrive to wait: {reason} Ask its "
        "operator when more may be sent, then resume the job."
    ),
)
GIVEN_UP_CODE = "RESULT_NOT_AWAITED"
GIVEN_UP_TEXT = sentence(
    "GIVEN_UP_TEXT",
    gettext_noop(
        "The job was cancelled while the API was at work on this: look up whether it was stored."
    ),
)
NOT_REPEATED = sentence(
    "CANCELLED_NOT_REPEATED",
    gettext_noop(
        "It was sent, no answer came, and the job was cancelled before it was sent again: look up "
        "whether it was stored."
    ),
)
# The tries of a batch, under its key, of which nobody knows what the API made of them.
MAY_BE_STORED = Attempt.objects.filter(batch=OuterRef("pk"), verdict=policy.Verdict.REPEATABLE)
CANCELLED_CODE = "CANCELLED"
CANCELLED_TEXT = sentence(
    "CANCELLED_TEXT", gettext_noop("Not sent: the job was cancelled. Retry failed sends it.")
)
DUE_NOW = sentence(
    "DUE_NOW",
    gettext_noop("Due now instead of later: {batches}."),
)
ABOUT = "INSERT INTO imports_recordevent (event_id, result_id) SELECT %s, unnest(%s::bigint[])"


class NotAllowed(MessageError):
    """The transition is not possible now. The message says why, and what is possible."""


INCOMPLETE = sentence(
    "RETRY_INCOMPLETE",
    gettext_noop("This retry is still being prepared. Wait until it has all its records."),
)
UNREADABLE_FILES = sentence(
    "UNREADABLE_FILES",
    gettext_noop("Some files cannot be read. Remove them, or add corrected ones, then start."),
)
UNFINISHED_FILES = sentence(
    "UNFINISHED_FILES",
    gettext_noop("Some files need a record template, or are being read. Start after that."),
)
NOTHING_TO_IMPORT = sentence(
    "NOTHING_TO_IMPORT", gettext_noop("There is nothing to import yet. Add files first.")
)
STARTED_BEFORE = sentence("STARTED_BEFORE", gettext_noop("This job has already been started."))


def note(
    job: ImportJob, code: EventCode, message: Text | None = None, actor: str = "",
    reason: str = "", about: Sequence[int] = (),
) -> JobEvent:  # fmt: skip
    """Add an event to the job's log, and to the history of the results in `about`.

    `reason` is in the actor's own words.
    """
    event = JobEvent.objects.create(
        job=job, code=code, message=message, actor=actor, reason=reason
    )
    add_record_events(event, about)
    return event


def add_record_events(event: JobEvent, results: Sequence[int]) -> None:
    """Add the event to the history of these results."""
    if results:
        with connection.cursor() as sql:
            sql.execute(ABOUT, [event.pk, list(results)])


def lock(job: ImportJob) -> JobStatus:
    """Lock the job's row until the caller's transaction ends; its current status.

    The lock spares the key, so rows that refer to the job (attempts, events) can be written.
    """
    held = ImportJob.objects.select_for_update(no_key=True).filter(pk=job.pk)
    return JobStatus(held.values_list("status", flat=True).get())


def move(job: ImportJob, to: JobStatus, **changes: Any) -> bool:
    """Compare-and-set a job's status; False if another was first or the move is not allowed."""
    before = sources(JOB_MOVES, to)
    moved = ImportJob.objects.filter(pk=job.pk, status__in=before).update(status=to, **changes)
    job.refresh_from_db()
    return moved == 1


def refuse_incomplete(job: ImportJob) -> None:
    """Raise NotAllowed for a retry that a bulk action is still filling."""
    if BulkAction.objects.filter(made=job, finished_at=None).exists():
        raise NotAllowed(INCOMPLETE)


def start(job: ImportJob, actor: str = "", rollout: str = "") -> None:
    """Queue a draft; `rollout` overrides its setting.

    Raises NotAllowed if it has no readable file or was started before.
    """
    with transaction.atomic():
        lock(job)  # whoever is adding a file comes before or after
        refuse_incomplete(job)
        if ImportFile.objects.filter(job=job, status=FileStatus.INVALID).exists():
            raise NotAllowed(UNREADABLE_FILES)
        if ImportFile.objects.filter(job=job).exclude(status=FileStatus.VALID).exists():
            raise NotAllowed(UNFINISHED_FILES)
        if not (job.files.exists() or job.batches.exists()):
            raise NotAllowed(NOTHING_TO_IMPORT)
        if not move(job, JobStatus.QUEUED, started_at=Now(), rollout=rollout or F("rollout")):
            raise NotAllowed(STARTED_BEFORE)
        note(job, EventCode.STARTED, intention(job), actor)


def pause(job: ImportJob, actor: str = "") -> bool:
    """Stop claiming. What is in flight is still recorded."""
    with transaction.atomic():
        paused = move(job, JobStatus.PAUSED, pause_code="BY_HAND", pause_message=None)
        if paused:
            note(job, EventCode.PAUSED, actor=actor)
    return paused


def pause_for(job: ImportJob, code: str, message: Text, *, announces: bool = True) -> bool:
    """Pause because a person must act; False if the job has a reason to pause, which stays.

    `announces` is False where the caller announces what concerns more than this job.
    """
    with transaction.atomic():
        paused = move(job, JobStatus.PAUSED, pause_code=code, pause_message=message)
        if paused:
            note(job, EventCode.PAUSED, message)
            if announces:
                announce(job, What.PAUSED, code)
    return paused


def resume(job: ImportJob, actor: str = "") -> bool:
    """Resume at once, ignoring a pause that the API asked for earlier.

    A job that stopped after a rollout stage starts the next one.
    """
    with transaction.atomic():
        held = ImportJob.objects.select_for_update(no_key=True).get(pk=job.pk)
        stopped = held.pause_code in STOPS
        resumed = ImportJob.objects.filter(pk=job.pk, status=JobStatus.PAUSED).update(
            status=JobStatus.RUNNING,
            pause_code="",
            pause_message=None,
            failing={},
            **(next_of(held) if stopped else {}),
        )
        job.refresh_from_db()
        if resumed:
            _stop_waiting(job)
            note(job, EventCode.RESUMED, what_goes(job) if stopped else None, actor)
    return bool(resumed)


def make_due(job: ImportJob, batches: QuerySet[ImportBatch], actor: str = "") -> int:
    """Make the batches that wait for their next attempt due now; how many there are."""
    with transaction.atomic():
        later = batches.filter(
            job=job, job__status__in=UNDER_WAY, status=BatchStatus.PENDING,
            next_attempt_at__gt=Now(),
        )  # fmt: skip
        pks = list(later.select_for_update(of=("self",)).values_list("pk", flat=True))
        due = ImportBatch.objects.filter(pk__in=pks, status=BatchStatus.PENDING)
        count = due.update(next_attempt_at=Now())
        if count:
            note(
                job,
                EventCode.REQUEUED,
                DUE_NOW.format(batches=job_types.batches(job.kind, count)),
                actor,
            )
    return count


def needs_a_worker(job: ImportJob) -> bool:
    """Whether there is work for a worker that gets this job's queue message."""
    now = ImportJob.objects.filter(pk=job.pk)
    open_batches = ImportBatch.objects.filter(job=OuterRef("pk"), status__in=OPEN)
    unfinished = BulkAction.objects.filter(job=OuterRef("pk"), finished_at=None)
    return now.filter(
        Q(status__in=[JobStatus.QUEUED, JobStatus.RUNNING])
        | Exists(unfinished)
        | (Q(status__in=ENDED_JOBS, closed_at=None) & ~Exists(open_batches))
    ).exists()


def can_be_cancelled(job: ImportJob) -> bool:
    """Whether the job was started and has not ended."""
    return job.status in (JobStatus.QUEUED, *UNDER_WAY)


def _stop_waiting(job: ImportJob) -> None:
    """Make waiting batches due now, because whoever resumes a job wants it to continue.

    After a "not now" the other side still gets a single request first.
    """
    RateLimit.objects.filter(pk=job.rate_limit_id).update(
        paused_until=None,
        paused_reason=None,
        not_now_count=Least("not_now_count", 1),
        not_now_since=None,
    )
    later = ImportBatch.objects.filter(
        job=job, status=BatchStatus.PENDING, next_attempt_at__gt=Now()
    )
    later.update(next_attempt_at=Now())


def cancel(job: ImportJob, actor: str = "") -> bool:
    """Stop for good. Unsent records are stored as failed; what is in flight is still recorded."""
    with transaction.atomic():
        # Lock the job before its rate limit, always in this order.
        if not move(job, JobStatus.CANCELLED, finished_at=Now()):
            return False
        RateLimit.objects.select_for_update().get(
            pk=job.rate_limit_id
        )  # a claim under way ends before
        note(job, EventCode.CANCELLED, actor=actor)
        drop_unsent(job)
        announce(job, What.CANCELLED)
    return True


def drop_unsent(job: ImportJob) -> None:
    """Fail the unsent batches of a cancelled job."""
    unsent = [BatchStatus.PENDING, BatchStatus.CLAIMED]
    batches = ImportBatch.objects.filter(job=job, status__in=unsent)
    _give_up(batches.filter(submission__isnull=False), GIVEN_UP_TEXT)
    _give_up(batches.filter(Exists(MAY_BE_STORED)), NOT_REPEATED)
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


def _give_up(batches: QuerySet[ImportBatch], why: Message) -> None:
    """Mark batches unknown that the API may have stored: nobody asks it any more."""
    pks = list(batches.select_for_update().order_by("pk").values_list("pk", flat=True))
    outcome = {"error_code": GIVEN_UP_CODE, "error": str(why), "message": why}
    ImportResult.objects.filter(batch_id__in=pks, status=ResultStatus.PENDING).update(
        **outcome, status=ResultStatus.UNKNOWN, final_error=str(why), cause=cause_of(why),
        updated_at=Now(),
    )  # fmt: skip
    ImportBatch.objects.filter(pk__in=pks).update(
        **outcome, status=BatchStatus.UNKNOWN, unknown_count=F("size"), ended_at=Now(), token=None
    )


def sweep_cancelled(job: ImportJob) -> None:
    """Fail batches that returned to pending while their job was being cancelled."""
    with transaction.atomic():
        drop_unsent(job)


def rest(job: ImportJob, asked: float | None, reason: Text) -> float:
    """Pause claims for an API or portal that said "not now" or is down, for some seconds.

    The pause grows until another answer comes; several answers to requests that were in flight
    together count once. The longer pause wins. After hours of it the job pauses.
    """
    rate_limit = RateLimit.objects.select_for_update().annotate(at=Now()).get(pk=job.rate_limit_id)
    is_news = not (
        rate_limit.not_now_count
        and rate_limit.paused_until
        and rate_limit.paused_until > rate_limit.at
    )
    count = rate_limit.not_now_count + is_news
    seconds = policy.deferral(asked, job_types.get(job.kind).budget(job), in_a_row=max(count, 1))
    since = rate_limit.not_now_since or rate_limit.at
    RateLimit.objects.filter(pk=rate_limit.pk).update(
        paused_until=Greatest("paused_until", Now() + Value(timedelta(seconds=seconds))),
        paused_reason=reason,
        not_now_count=count,
        not_now_since=since,
    )
    if rate_limit.at - since > timedelta(hours=settings.NOT_NOW_HOURS):
        message = NOT_NOW_TOO_LONG.format(hours=f"{settings.NOT_NOW_HOURS:g}", reason=reason)
        pause_for(job, "NOT_NOW_TOO_LONG", message)
    return seconds


def answered(job: ImportJob) -> None:
    """Restore the normal rate limit after an answer other than "not now"."""
    RateLimit.objects.filter(pk=job.rate_limit_id, not_now_count__gt=0).update(
        not_now_count=0, not_now_since=None
    )


def begin(job: ImportJob) -> None:
    """Start running: the input is in the ledger, and the first stage may be claimed."""
    now = ImportJob.objects.get(pk=job.pk)  # the caller's copy may be stale
    move(job, JobStatus.RUNNING, **next_of(now))


def settle_stage(job: ImportJob) -> bool:
    """If the current stage has ended, start the next one (True), or pause with the reason."""
    if job.stage_limit is None:
        return False
    with transaction.atomic():
        running = ImportJob.objects.filter(pk=job.pk, status=JobStatus.RUNNING)
        held = running.exclude(stage_limit=None).select_for_update(no_key=True).first()
        if held is None or is_out(held):
            return False
        came = last_of(held)
        if came.stops:
            pause_for(held, came.stop_code, came.summary())
            return False
        running.filter(stage=held.stage).update(**next_of(held))
        held.refresh_from_db()
        note(held, EventCode.STAGE_ENDED, came.job_totals() + what_goes(held))
    return True


def refuse_input(job: ImportJob, message: Text) -> None:
    """Return a job with unreadable input to a draft; nothing was imported."""
    with transaction.atomic():
        if move(job, JobStatus.DRAFT, started_at=None):
            note(job, EventCode.INPUT_REFUSED, message)
            announce(job, What.REFUSED)


def leave_to_others(job: ImportJob, host: str, message: Text) -> None:
    """Log that a host cannot see the job's input, once for each host. The job stays as it is."""
    with transaction.atomic():
        lock(job)
        since = JobEvent.objects.filter(job=job, code=EventCode.STARTED).order_by("-pk")
        latest = since.values_list("pk", flat=True).first() or 0
        logged = JobEvent.objects.filter(
            job=job, code=EventCode.FILES_OUT_OF_SIGHT, actor=host, pk__gt=latest
        )
        if not logged.exists():
            note(job, EventCode.FILES_OUT_OF_SIGHT, message, host)


def finish_if_done(job_ids: Iterable[int]) -> list[int]:
    """Finish the jobs with nothing pending or in flight; their ids.

    Settle the rollout stage of the others: the sweeper then enqueues what may be sent.
    """
    open_batches = ImportBatch.objects.filter(job_id=OuterRef("pk"), status__in=OPEN)
    finished = []
    for job in ImportJob.objects.filter(pk__in=job_ids, status__in=UNDER_WAY):
        still_going = ImportJob.objects.filter(pk=job.pk, status__in=UNDER_WAY)
        with transaction.atomic():
            done = (
                still_going.filter(uncut_count=0)
                .exclude(Exists(open_batches))
                .update(
                    status=JobStatus.FINISHED, finished_at=Now(), pause_code="", pause_message=None
                )
            )
            if done:
                note(job, EventCode.FINISHED, results_of(job))
                announce(job, What.FINISHED)
                finished.append(job.pk)
        if not done:
            settle_stage(job)
    return finished
