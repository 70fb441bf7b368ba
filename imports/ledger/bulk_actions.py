"""One decision of an operator about many records: confirmed once, carried out at once or in
chunks.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import job_types, known_before
from imports.event_codes import EventCode
from imports.ledger import retries
from imports.ledger.batches import copy, copy_in
from imports.ledger.later_imports import without_later
from imports.ledger.lifecycle import NotAllowed, lock, note, tell_of
from imports.ledger.outcomes import close_all
from imports.messages import Message, cause_of, sentence
from imports.messages import marked as gettext_noop
from imports.models import ImportBatch, ImportResult, Plan, PlanPart
from imports.models.bulk_actions import PlanAction
from imports.models.jobs import Beginning
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.db.models import QuerySet

    from imports.ledger.later_imports import Later
    from imports.messages import Text
    from imports.models import ImportJob

NOT_ARRIVED_CODE = "NOT_ARRIVED"
RECORDS = sentence("RECORDS", gettext_noop("{n} records."))
NOT_ARRIVED = sentence("NOT_ARRIVED", gettext_noop("Did not arrive, says {actor}: {reason}"))
NO_REASON = gettext_lazy("Give a reason: it is kept with the records.")


@dataclass(frozen=True, slots=True)
class Decision:
    """Where records must stand, how they stand afterwards, and the log's word for it."""

    from_status: ResultStatus
    changes: Mapping[str, object]
    word: EventCode


def of(plan: Plan) -> Decision:
    """What is written down for a bulk action. Raises KeyError for one that sends records."""
    message = NOT_ARRIVED.format(actor=plan.actor, reason=plan.reason)
    arrived = {
        "status": ResultStatus.SUCCESS, "error_code": "", "error": "", "final_error": None,
        "message": None, "cause": "",
    }  # fmt: skip
    not_arrived = {
        "status": ResultStatus.ERROR, "error_code": NOT_ARRIVED_CODE, "error": str(message),
        "final_error": str(message), "message": message, "cause": cause_of(message),
    }  # fmt: skip
    excluded = {"status": ResultStatus.EXCLUDED, "error_code": "EXCLUDED_BY_HAND"}
    unknown = ResultStatus.UNKNOWN
    return {
        PlanAction.ARRIVED: Decision(unknown, arrived, EventCode.ARRIVED),
        PlanAction.NOT_ARRIVED: Decision(unknown, not_arrived, EventCode.NOT_ARRIVED),
        PlanAction.EXCLUDE: Decision(ResultStatus.ERROR, excluded, EventCode.EXCLUDED),
    }[PlanAction(plan.action)]


def write_down(decision: Decision, chosen: QuerySet[ImportResult]) -> list[int]:
    """Move these records and sum their batches up; their ids. The caller holds their first job."""
    batch_ids = list(chosen.order_by("batch_id").values_list("batch_id", flat=True).distinct())
    batches = ImportBatch.objects.select_for_update().filter(pk__in=batch_ids).order_by("pk")
    list(batches.values_list("pk", flat=True))  # from here on no late answer changes them
    pks = list(chosen.values_list("pk", flat=True))
    ImportResult.objects.filter(pk__in=pks, status=decision.from_status).update(
        **decision.changes, updated_at=Now()
    )
    close_all(batch_ids)
    return pks


CHUNK = 2_000  # records of one transaction, and of anything that is done while a person waits
IDS_AT_ONCE = 20_000
CHUNKS_AT_ONCE = 20
CHUNK_COLUMNS = {"plan_id": "int8", "number": "int4", "result_ids": "int8[]"}
IN_BACKGROUND = sentence("IN_BACKGROUND", gettext_noop("{n} records, in the background."))
DONE = sentence("DONE", gettext_noop("{n} of {total} records."))
LEFT_ALONE = sentence("LEFT_ALONE", gettext_noop("{n} had changed meanwhile and were left alone."))
STOPPED = sentence("STOPPED", gettext_noop("Stopped by {actor}."))
RETRIES = (PlanAction.RETRY, PlanAction.SEND_AGAIN)


class NothingLeft(NotAllowed):
    """No record stands so that this can be done with it. The message says what became of them."""


def status_for(action: PlanAction) -> ResultStatus:
    """Where a record must stand for this to be done with it."""
    is_failed = action in (PlanAction.RETRY, PlanAction.EXCLUDE)
    return ResultStatus.ERROR if is_failed else ResultStatus.UNKNOWN


def unfinished(job: ImportJob) -> Plan | None:
    """What workers are doing with many of the records of `job`, or what was pressed there."""
    return Plan.objects.filter(job=job, finished_at=None).select_related("job", "root").first()


def carry_out(
    job: ImportJob, action: PlanAction, only: Q | None = None,
    *, reason: str = "", actor: str = "", insists: bool = False, starts: bool = True,
    beginning: str = Beginning.ALL,
) -> Plan:  # fmt: skip
    """Decide about the records of `job` and its later retries that `only` matches.

    The action is finished when this returns, or `in_background`: then the caller enqueues `job`.
    A retry's new job is `made`; `insists` takes those too that a retry leaves out; `starts` and
    `beginning` say whether it goes out, and how much of it at first.
    Raises NotAllowed without a record, without a reason where one is needed, and while another
    action about the same records is unfinished. So two clicks make one action.
    """
    if action != PlanAction.RETRY and not reason.strip():
        raise NotAllowed(NO_REASON)
    while True:
        plan = Plan(
            job=job, root=job.first, action=action, reason=reason, actor=actor, insists=insists,
            starts=starts,
        )  # fmt: skip
        try:
            with transaction.atomic():
                _confirm(plan, only or Q(), beginning)
        except IntegrityError as error:  # a retry file with some of them was read just now
            if retries.RETRIED_ONCE not in str(error):
                raise
        else:
            return plan


def _confirm(plan: Plan, only: Q, beginning: str) -> None:
    """Fix which records are meant; do it at once where they are few."""
    lock(plan.root)
    if Plan.objects.filter(root=plan.root, finished_at=None).exists():
        raise NotAllowed(
            _(
                "Something is being done with many of these records already: nothing else "
                "was begun. Wait until it has ended, then look at what is left."
            )
        )
    chosen, plan.left_out, later = _choose(plan, only)
    plan.imported_later = [[each.job, each.status, n] for each, n in sorted(later.items())]
    ids = list(_ordered(chosen).values_list("pk", flat=True)[: CHUNK + 1])
    plan.in_background = len(ids) > CHUNK
    if not plan.in_background:
        plan.skipped_retried = _retried_already(plan, only)
    if not ids:
        raise NothingLeft(_nothing_left(plan))
    if plan.action in RETRIES:
        plan.made = retries.new_round(
            plan.job, plan.reason, insists=plan.insists, beginning=beginning
        )
    if plan.in_background:
        _leave_to_workers(plan, chosen)
    else:
        _do_at_once(plan, ids)


def _choose(plan: Plan, only: Q) -> tuple[QuerySet[ImportResult], int, Counter[Later]]:
    """The records that the action is about, and how many of them a retry leaves out, and why."""
    action = PlanAction(plan.action)
    chosen = retries.waiting(plan.job, status_for(action)).filter(only)
    if action in RETRIES and not plan.insists:
        return sensible(plan.job, chosen, action)
    return chosen, 0, Counter()


def sensible(
    job: ImportJob, chosen: QuerySet[ImportResult], action: PlanAction = PlanAction.RETRY
) -> tuple[QuerySet[ImportResult], int, Counter[Later]]:
    """Those that go out again unless somebody insists on all of them.

    Also how many would only fail again, and how many are older than what the API has by now.
    """
    hopeless = 0
    if action == PlanAction.RETRY:
        chosen, hopeless = retries.without_the_hopeless(job, chosen)
    if job.api_id is None:
        return chosen, hopeless, Counter()
    newest, later = without_later(chosen)
    return newest, hopeless, later


def _retried_already(plan: Plan, only: Q) -> int:
    if plan.action not in RETRIES:
        return 0
    return retries.retried(plan.job, status_for(PlanAction(plan.action))).filter(only).count()


def _nothing_left(plan: Plan) -> str:
    if plan.imported_later:
        return " ".join(known_before.of_later(plan.imported_later))
    if plan.action == PlanAction.RETRY:
        return retries.nothing_left(plan.job, plan.skipped_retried, plan.left_out)
    return _("None of these records stands as it did: nothing was changed. Look at them again.")


def _do_at_once(plan: Plan, ids: list[int]) -> None:
    """All of it, in the caller's transaction."""
    plan.total = len(ids)
    plan.save()
    if plan.action in RETRIES:
        plan.taken = _copy(plan, ids)
    else:
        moved = _write_down(plan, ids)
        plan.taken = len(moved)
        records = RECORDS.format(n=plan.taken)
        plan.event = note(plan.job, of(plan).word, records, plan.actor, plan.reason, about=moved)
    if not plan.taken:  # late answers came for all of them at this very moment
        raise NothingLeft(_nothing_left(plan))
    if plan.made:
        _complete_retry(plan)
    plan.left_alone = plan.total - plan.taken
    plan.finished_at = Now()
    plan.save()
    plan.refresh_from_db(fields=["finished_at"])


def _leave_to_workers(plan: Plan, chosen: QuerySet[ImportResult]) -> None:
    """Keep which records are meant; nothing is done yet."""
    plan.save()
    plan.total = _write_chunks(plan, chosen)
    if plan.action not in RETRIES:
        records = IN_BACKGROUND.format(n=plan.total)
        plan.event = note(plan.job, of(plan).word, records, plan.actor, plan.reason)
    plan.save(update_fields=["total", "event"])


def _write_chunks(plan: Plan, chosen: QuerySet[ImportResult]) -> int:
    """Keep the ids of these records, in the order of their batches; how many they are."""
    rows: list[tuple[object, ...]] = []
    count = 0
    for number, ids in enumerate(_in_chunks(chosen)):
        rows.append((plan.pk, number, ids))
        count += len(ids)
        if len(rows) == CHUNKS_AT_ONCE:
            copy_in("imports_planpart", CHUNK_COLUMNS, rows)
            rows.clear()
    copy_in("imports_planpart", CHUNK_COLUMNS, rows)
    return count


def _ordered(chosen: QuerySet[ImportResult]) -> QuerySet[ImportResult]:
    return chosen.order_by("batch__number", "batch_id", "pk")


def _in_chunks(chosen: QuerySet[ImportResult]) -> Iterator[list[int]]:
    """Ids, CHUNK or more of them at a time: a batch number is never cut in two.

    So a retry's batches come out as they would in one go.
    """
    rows = _ordered(chosen).values_list("batch__number", "pk").iterator(chunk_size=IDS_AT_ONCE)
    ids: list[int] = []
    for _number, group in groupby(rows, key=lambda row: row[0]):
        if len(ids) >= CHUNK:
            yield ids
            ids = []
        ids += [pk for _number, pk in group]
    if ids:
        yield ids


def carry_on(plan: Plan) -> bool:
    """Do one chunk more, or, after the last, end the action; False where nothing is left.

    Also False where another worker is at it.
    """
    try:
        return _carry_on(plan)
    except IntegrityError as error:  # a retry file with some of them was read at this very moment
        if retries.RETRIED_ONCE not in str(error):
            raise
        return True  # the chunk is done anew, without those


def _carry_on(plan: Plan) -> bool:
    with transaction.atomic():
        mine = Plan.objects.select_for_update(skip_locked=True, no_key=True)
        if not mine.filter(pk=plan.pk, finished_at=None).exists():
            return False
        part = PlanPart.objects.filter(plan=plan, done_at=None).order_by("number").first()
        if part is None:
            _finish(plan)
            return False
        lock(plan.root)
        taken = _do(plan, part.result_ids)
        PlanPart.objects.filter(pk=part.pk, done_at=None).update(done_at=Now())
        left_alone = len(part.result_ids) - taken
        Plan.objects.filter(pk=plan.pk, finished_at=None).update(
            taken=F("taken") + taken, left_alone=F("left_alone") + left_alone
        )
    return True


def _do(plan: Plan, ids: list[int]) -> int:
    """One chunk; how many of its records still stood where they had stood."""
    if plan.action in RETRIES:
        return _copy(plan, ids)
    moved = _write_down(plan, ids)
    if plan.event:
        tell_of(plan.event, moved)
    return len(moved)


def _write_down(plan: Plan, ids: list[int]) -> list[int]:
    """What was decided about these records; the ids of those that still stood so."""
    chosen = retries.waiting(plan.job, status_for(PlanAction(plan.action))).filter(pk__in=ids)
    return write_down(of(plan), chosen)


def _copy(plan: Plan, ids: list[int]) -> int:
    """Into the retry's job: those of these records that still wait; how many."""
    if plan.made is None:
        raise RuntimeError("the retry that was being put together is gone")
    chosen, *_left_out = _choose(plan, Q(pk__in=ids))
    return copy(plan.made, chosen, keep_keys=plan.action == PlanAction.SEND_AGAIN)


def _finish(plan: Plan, trouble: Text | None = None) -> None:
    """Nothing more is done; a retry that has records goes out, unless it is to wait."""
    plan.refresh_from_db()
    Plan.objects.filter(pk=plan.pk).update(finished_at=Now(), trouble=trouble)
    if plan.action not in RETRIES:
        note(plan.job, EventCode.DONE_IN_BACKGROUND, _told(plan, trouble))
    elif plan.made is None:
        return
    elif not plan.taken:
        plan.made.delete()
    else:
        if trouble or plan.left_alone:
            note(plan.job, EventCode.MADE_IN_BACKGROUND, _told(plan, trouble))
        _complete_retry(plan, is_whole=not trouble)


def _complete_retry(plan: Plan, *, is_whole: bool = True) -> None:
    """All its records are in the new job: it goes out, unless it is to wait."""
    if plan.made is None:
        raise RuntimeError("a retry has a job of its own")
    job_types.get(plan.made.kind).copy_records(plan.made)
    retries.note_both(plan.job, plan.made, plan.taken, plan.reason, plan.actor)
    if plan.starts and is_whole:
        retries.queue(plan.made, plan.actor)


def _told(plan: Plan, trouble: Text | None) -> Text:
    told = DONE.format(n=plan.taken, total=plan.total)
    if plan.left_alone:
        told += LEFT_ALONE.format(n=plan.left_alone)
    return trouble + told if isinstance(trouble, Message) else told


def stop(plan: Plan, actor: str) -> bool:
    """Do nothing more; what is done stays, and a retry stays a draft. False if it had ended."""
    return give_up(plan, STOPPED.format(actor=actor))


def give_up(plan: Plan, why: Text) -> bool:
    """End an action before its time; False if it had ended already."""
    with transaction.atomic():
        held = Plan.objects.select_for_update(no_key=True).filter(pk=plan.pk, finished_at=None)
        if not held.exists():
            return False
        lock(plan.root)
        _finish(plan, why)
    return True
