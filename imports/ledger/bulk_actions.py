"""One decision of an operator about many records: confirmed once, carried out at once or in
chunks.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat, Now

from imports import job_types
from imports.ledger import known_before, retries
from imports.ledger.batches import copy
from imports.ledger.copy_rows import copy_in
from imports.ledger.known_before import without_later
from imports.ledger.lifecycle import NotAllowed, add_record_events, lock, note
from imports.ledger.outcomes import close_all
from imports.messages import Message, cause_of, sentence
from imports.messages import marked as gettext_noop
from imports.models import BulkAction, BulkActionChunk, ImportBatch, ImportResult
from imports.models.bulk_actions import ActionType
from imports.models.jobs import Rollout
from imports.states import EventCode, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.db.models import QuerySet

    from imports.ledger.known_before import Later
    from imports.messages import Text
    from imports.models import ImportJob

NOT_ARRIVED_CODE = "NOT_ARRIVED"
RECORDS = sentence("RECORDS", gettext_noop("{n} records."), one=gettext_noop("{n} record."))
NOT_ARRIVED = sentence("NOT_ARRIVED", gettext_noop("Marked as failed by {actor}: {reason}"))
ALL_CHANGED = sentence(
    "ALL_CHANGED",
    gettext_noop(
        "All of these records have changed in the meantime, so nothing was done. Look at them "
        "again."
    ),
)
BUSY = sentence(
    "BULK_ACTION_BUSY",
    gettext_noop(
        "Another action on many of these records is still running, so nothing was done. Wait "
        "until it has finished, then see what is left."
    ),
)


EXCLUDED_CODE = "EXCLUDED_BY_HAND"
EXCLUDED_BY = sentence("EXCLUDED_BY", gettext_noop("Excluded by {person}: {because}"))
# Whoever excluded a record, why, and which code it had, stand behind the reason of its failure.
WITH_EXCLUSION = """
jsonb_set(
    CASE jsonb_typeof(message) WHEN 'object' THEN message ELSE jsonb_build_object(
        'code', 'OWN_WORDS', 'params', jsonb_build_object('words', coalesce(message #>> '{}', ''))
    ) END,
    '{then}',
    coalesce(message -> 'then', '[]') || jsonb_build_object('code', 'EXCLUDED_BY', 'params',
        jsonb_build_object('person', %s::text, 'because', %s::text, 'was', error_code))
)
"""
WITHOUT_EXCLUSION = "jsonb_set(message, '{then}', (message -> 'then') - (-1))"
CODE_BEFORE = "message -> 'then' -> -1 -> 'params' ->> 'was'"
TEXT_BEFORE = """
left({column}, -length(concat(
    ' Excluded by ', message -> 'then' -> -1 -> 'params' ->> 'person',
    ': ', message -> 'then' -> -1 -> 'params' ->> 'because'
)))
"""


def _sql(expression: str, *params: str) -> RawSQL:
    return RawSQL(expression, params)  # noqa: S611 - constants of this file


def _excluded(actor: str, reason: str) -> dict[str, object]:
    """What changes in a record that somebody excludes."""
    because = " ".join(reason.split())
    said = Value(f" {EXCLUDED_BY.format(person=actor or 'Redrive', because=because)}")
    return {
        "status": ResultStatus.EXCLUDED,
        "error_code": EXCLUDED_CODE,
        "message": _sql(WITH_EXCLUSION, actor or "Redrive", because),
        "error": Concat(F("error"), said),
        "final_error": Concat(F("final_error"), said),
    }


def _restored() -> dict[str, object]:
    """The same undone: it has failed, as it had before."""
    return {
        "status": ResultStatus.ERROR,
        "error_code": _sql(CODE_BEFORE),
        "message": _sql(WITHOUT_EXCLUSION),
        "error": _sql(TEXT_BEFORE.format(column="error")),
        "final_error": _sql(TEXT_BEFORE.format(column="final_error")),
    }


@dataclass(frozen=True, slots=True)
class Decision:
    """The status that records must have, their status afterwards, and the event in the log."""

    from_status: ResultStatus
    changes: Mapping[str, object]
    word: EventCode


def of(bulk_action: BulkAction) -> Decision:
    """The decision that a bulk action records. Raises KeyError for one that sends records."""
    message = NOT_ARRIVED.format(actor=bulk_action.actor, reason=bulk_action.reason)
    arrived = {
        "status": ResultStatus.SUCCESS, "error_code": "", "error": "", "final_error": None,
        "message": None, "cause": "",
    }  # fmt: skip
    not_arrived = {
        "status": ResultStatus.ERROR, "error_code": NOT_ARRIVED_CODE, "error": str(message),
        "final_error": str(message), "message": message, "cause": cause_of(message),
    }  # fmt: skip
    excluded = _excluded(bulk_action.actor, bulk_action.reason)
    unknown = ResultStatus.UNKNOWN
    return {
        ActionType.ARRIVED: Decision(unknown, arrived, EventCode.ARRIVED),
        ActionType.NOT_ARRIVED: Decision(unknown, not_arrived, EventCode.NOT_ARRIVED),
        ActionType.EXCLUDE: Decision(ResultStatus.ERROR, excluded, EventCode.EXCLUDED),
        ActionType.RESTORE: Decision(
            ResultStatus.EXCLUDED, _restored(), EventCode.EXCLUSION_UNDONE
        ),
    }[ActionType(bulk_action.action)]


def write_down(decision: Decision, chosen: QuerySet[ImportResult]) -> list[int]:
    """Move these records and update their batches' counts; their ids. The caller locks the job."""
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
CHUNK_COLUMNS = {"bulk_action_id": "int8", "number": "int4", "result_ids": "int8[]"}
IN_BACKGROUND = sentence("IN_BACKGROUND", gettext_noop("{n} records, in the background."))
DONE = sentence("DONE", gettext_noop("{n} of {total} records."))
SKIPPED_CHANGED = sentence(
    "SKIPPED_CHANGED",
    gettext_noop("{n} changed in the meantime and were skipped."),
    one=gettext_noop("{n} changed in the meantime and was skipped."),
)
STOPPED = sentence("STOPPED", gettext_noop("Stopped by {actor}."))
RETRIES = (ActionType.RETRY, ActionType.SEND_AGAIN)
NEED_NO_REASON = (ActionType.RETRY, ActionType.LOOK_UP)
LOOKED_UP_AT_ONCE = 10  # records of a chunk: each is a request at the API's pace
UNDECIDED = sentence(
    "UNDECIDED", gettext_noop("The API proves nothing of {n}: they stay unknown.")
)


class NothingLeft(NotAllowed):
    """No record has the status that this action needs. The message says what became of them."""


def status_for(action: ActionType) -> ResultStatus:
    """The status that a record must have for this action."""
    match action:
        case ActionType.RETRY | ActionType.EXCLUDE:
            return ResultStatus.ERROR
        case ActionType.RESTORE:
            return ResultStatus.EXCLUDED
    return ResultStatus.UNKNOWN


def waiting_for(job: ImportJob, action: ActionType) -> QuerySet[ImportResult]:
    """The records of a job and its later retries that this action can be about."""
    found = retries.waiting(job, status_for(action))
    return found.filter(error_code=EXCLUDED_CODE) if action == ActionType.RESTORE else found


def unfinished(job: ImportJob) -> BulkAction | None:
    """The unfinished bulk action on records of `job` or from its page, if there is one."""
    return (
        BulkAction.objects.filter(job=job, finished_at=None).select_related("job", "root").first()
    )


def carry_out(
    job: ImportJob, action: ActionType, only: Q | None = None,
    *, reason: str = "", actor: str = "", force: bool = False, starts: bool = True,
    rollout: str = Rollout.ALL, batch_size: int | None = None,
) -> BulkAction:  # fmt: skip
    """Carry out an action on the records of `job` and its later retries that match `only`.

    The action is finished when this returns, or `in_background`: then the caller enqueues `job`.
    The new job of a retry is `made`. `force` includes records that a retry leaves out. `starts`
    and `rollout` say whether the retry is started, and how much of it goes out at first; its
    batches are of at most `batch_size` records, and of no more than the job's.
    Raises NotAllowed without a record, without a reason where one is needed, and while another
    action about the same records is unfinished. So two clicks make one action.
    """
    if action not in NEED_NO_REASON and not reason.strip():
        raise NotAllowed(retries.NO_REASON)
    while True:
        bulk_action = BulkAction(
            job=job, root=job.first, action=action, reason=reason, actor=actor, force=force,
            starts=starts,
        )  # fmt: skip
        try:
            with transaction.atomic():
                _confirm(bulk_action, only or Q(), rollout, batch_size)
        except IntegrityError as error:  # a retry file with some of them was read just now
            if retries.RETRIED_ONCE not in str(error):
                raise
        else:
            return bulk_action


def _confirm(bulk_action: BulkAction, only: Q, rollout: str, batch_size: int | None) -> None:
    """Fix the set of records, and carry the action out at once if they are few."""
    lock(bulk_action.root)
    if BulkAction.objects.filter(root=bulk_action.root, finished_at=None).exists():
        raise NotAllowed(BUSY)
    chosen, bulk_action.left_out, later = _choose(bulk_action, only)
    bulk_action.imported_later = [[each.job, each.status, n] for each, n in sorted(later.items())]
    ids = list(_ordered(chosen).values_list("pk", flat=True)[: CHUNK + 1])
    bulk_action.in_background = len(ids) > CHUNK or bulk_action.action == ActionType.LOOK_UP
    if not bulk_action.in_background:
        bulk_action.skipped_retried = _count_being_retried(bulk_action, only)
    if not ids:
        raise NothingLeft(_nothing_left(bulk_action))
    if bulk_action.action in RETRIES:
        bulk_action.made = retries.new_retry(
            bulk_action.job,
            bulk_action.reason,
            force=bulk_action.force,
            rollout=rollout,
            batch_size=batch_size,
        )
    if bulk_action.in_background:
        _leave_to_workers(bulk_action, chosen)
    else:
        _do_at_once(bulk_action, ids)


def _choose(
    bulk_action: BulkAction, only: Q
) -> tuple[QuerySet[ImportResult], int, Counter[Later]]:
    """The records of the action, and how many a retry leaves out, and why."""
    action = ActionType(bulk_action.action)
    chosen = waiting_for(bulk_action.job, action).filter(only)
    if action in RETRIES and not bulk_action.force:
        return sensible(bulk_action.job, chosen, action)
    return chosen, 0, Counter()


def sensible(
    job: ImportJob, chosen: QuerySet[ImportResult], action: ActionType = ActionType.RETRY
) -> tuple[QuerySet[ImportResult], int, Counter[Later]]:
    """The records that a retry sends without `force`.

    Also how many would only fail again, and how many are older than what the API has now.
    """
    hopeless = 0
    if action == ActionType.RETRY:
        chosen, hopeless = retries.without_the_hopeless(job, chosen)
    if job.api_id is None:
        return chosen, hopeless, Counter()
    newest, later = without_later(chosen)
    return newest, hopeless, later


def _count_being_retried(bulk_action: BulkAction, only: Q) -> int:
    if bulk_action.action not in RETRIES:
        return 0
    return (
        retries.retried(bulk_action.job, status_for(ActionType(bulk_action.action)))
        .filter(only)
        .count()
    )


def _nothing_left(bulk_action: BulkAction) -> Text:
    if bulk_action.imported_later:
        return " ".join(known_before.of_later(bulk_action.imported_later))
    if bulk_action.action == ActionType.RETRY:
        return retries.nothing_left(
            bulk_action.job, bulk_action.skipped_retried, bulk_action.left_out
        )
    return ALL_CHANGED


def _do_at_once(bulk_action: BulkAction, ids: list[int]) -> None:
    """Carry out all of it in the caller's transaction."""
    bulk_action.total = len(ids)
    bulk_action.save()
    if bulk_action.action in RETRIES:
        bulk_action.taken = _copy(bulk_action, ids)
    else:
        moved = _write_down(bulk_action, ids)
        bulk_action.taken = len(moved)
        records = RECORDS.format(n=bulk_action.taken)
        bulk_action.event = note(
            bulk_action.job,
            of(bulk_action).word,
            records,
            bulk_action.actor,
            bulk_action.reason,
            about=moved,
        )
    if not bulk_action.taken:  # late answers came for all of them at this very moment
        raise NothingLeft(_nothing_left(bulk_action))
    if bulk_action.made:
        _complete_retry(bulk_action)
    bulk_action.skipped_changed = bulk_action.total - bulk_action.taken
    bulk_action.finished_at = Now()
    bulk_action.save()
    bulk_action.refresh_from_db(fields=["finished_at"])


def _leave_to_workers(bulk_action: BulkAction, chosen: QuerySet[ImportResult]) -> None:
    """Store the set of records in chunks, for workers; nothing is done yet."""
    bulk_action.save()
    bulk_action.total = _write_chunks(bulk_action, chosen)
    if bulk_action.action not in RETRIES:
        records = IN_BACKGROUND.format(n=bulk_action.total)
        bulk_action.event = note(
            bulk_action.job, _word(bulk_action), records, bulk_action.actor, bulk_action.reason
        )
    bulk_action.save(update_fields=["total", "event"])


def _write_chunks(bulk_action: BulkAction, chosen: QuerySet[ImportResult]) -> int:
    """Store the ids of these records, in the order of their batches; their number."""
    rows: list[tuple[object, ...]] = []
    count = 0
    is_look_up = bulk_action.action == ActionType.LOOK_UP
    for number, ids in enumerate(_in_tens(chosen) if is_look_up else _in_chunks(chosen)):
        rows.append((bulk_action.pk, number, ids))
        count += len(ids)
        if len(rows) == CHUNKS_AT_ONCE:
            copy_in("imports_bulkactionchunk", CHUNK_COLUMNS, rows)
            rows.clear()
    copy_in("imports_bulkactionchunk", CHUNK_COLUMNS, rows)
    return count


def _ordered(chosen: QuerySet[ImportResult]) -> QuerySet[ImportResult]:
    return chosen.order_by("batch__number", "batch_id", "pk")


def _in_chunks(chosen: QuerySet[ImportResult]) -> Iterator[list[int]]:
    """Yield ids, CHUNK or more at a time, without dividing a batch number.

    So the batches of a retry are the same as if it were made in one go.
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


def _in_tens(chosen: QuerySet[ImportResult]) -> Iterator[list[int]]:
    rows = _ordered(chosen).values_list("pk", flat=True).iterator(chunk_size=IDS_AT_ONCE)
    while ids := list(islice(rows, LOOKED_UP_AT_ONCE)):
        yield ids


def _word(bulk_action: BulkAction) -> EventCode:
    is_look_up = bulk_action.action == ActionType.LOOK_UP
    return EventCode.LOOKED_UP if is_look_up else of(bulk_action).word


def carry_on(bulk_action: BulkAction) -> bool:
    """Carry out the next chunk, or end the action after the last; False if nothing is left.

    Also False if another worker is carrying it out.
    """
    try:
        return _carry_on(bulk_action)
    except IntegrityError as error:  # a retry file with some of them was read at this very moment
        if retries.RETRIED_ONCE not in str(error):
            raise
        return True  # the chunk is done anew, without those


def _carry_on(bulk_action: BulkAction) -> bool:
    with transaction.atomic():
        mine = BulkAction.objects.select_for_update(skip_locked=True, no_key=True)
        if not mine.filter(pk=bulk_action.pk, finished_at=None).exists():
            return False
        part = (
            BulkActionChunk.objects.filter(bulk_action=bulk_action, done_at=None)
            .order_by("number")
            .first()
        )
        if part is None:
            _finish(bulk_action)
            return False
        lock(bulk_action.root)
        taken = _do(bulk_action, part.result_ids)
        BulkActionChunk.objects.filter(pk=part.pk, done_at=None).update(done_at=Now())
        skipped_changed = len(part.result_ids) - taken
        BulkAction.objects.filter(pk=bulk_action.pk, finished_at=None).update(
            taken=F("taken") + taken, skipped_changed=F("skipped_changed") + skipped_changed
        )
    return True


def _do(bulk_action: BulkAction, ids: list[int]) -> int:
    """Carry out one chunk; the number of its records whose status had not changed."""
    if bulk_action.action in RETRIES:
        return _copy(bulk_action, ids)
    moved = _write_down(bulk_action, ids)
    if bulk_action.event:
        add_record_events(bulk_action.event, moved)
    return len(moved)


def _write_down(bulk_action: BulkAction, ids: list[int]) -> list[int]:
    """Record the decision about these records; the ids of those whose status had not changed."""
    chosen = waiting_for(bulk_action.job, ActionType(bulk_action.action)).filter(pk__in=ids)
    return write_down(of(bulk_action), chosen)


def _copy(bulk_action: BulkAction, ids: list[int]) -> int:
    """Copy the records that still wait into the retry's job; their number."""
    if bulk_action.made is None:
        raise RuntimeError("the retry that was being put together is gone")
    chosen, *_left_out = _choose(bulk_action, Q(pk__in=ids))
    return copy(bulk_action.made, chosen, keep_keys=bulk_action.action == ActionType.SEND_AGAIN)


def _finish(bulk_action: BulkAction, trouble: Text | None = None) -> None:
    """Finish the action; start its retry if it has records and is not to wait."""
    bulk_action.refresh_from_db()
    BulkAction.objects.filter(pk=bulk_action.pk).update(finished_at=Now(), trouble=trouble)
    if bulk_action.action not in RETRIES:
        note(bulk_action.job, EventCode.DONE_IN_BACKGROUND, _summary(bulk_action, trouble))
    elif bulk_action.made is None:
        return
    elif not bulk_action.taken:
        bulk_action.made.delete()
    else:
        if trouble or bulk_action.skipped_changed:
            note(bulk_action.job, EventCode.MADE_IN_BACKGROUND, _summary(bulk_action, trouble))
        _complete_retry(bulk_action, is_whole=not trouble)


def _complete_retry(bulk_action: BulkAction, *, is_whole: bool = True) -> None:
    """Complete the retry, which has all its records; start it unless it is to wait."""
    if bulk_action.made is None:
        raise RuntimeError("a retry has a job of its own")
    job_types.get(bulk_action.made.kind).copy_records(bulk_action.made)
    retries.note_both(
        bulk_action.job, bulk_action.made, bulk_action.taken, bulk_action.reason, bulk_action.actor
    )
    if bulk_action.starts and is_whole:
        retries.queue(bulk_action.made, bulk_action.actor)


def _summary(bulk_action: BulkAction, trouble: Text | None) -> Text:
    summary = DONE.format(n=bulk_action.taken, total=bulk_action.total)
    if bulk_action.skipped_changed:
        is_look_up = bulk_action.action == ActionType.LOOK_UP
        left = UNDECIDED if is_look_up else SKIPPED_CHANGED
        summary += left.format(n=bulk_action.skipped_changed)
    return trouble + summary if isinstance(trouble, Message) else summary


def stop(bulk_action: BulkAction, actor: str) -> bool:
    """Stop the action. Finished chunks and the draft of a retry stay; False if it had ended."""
    return give_up(bulk_action, STOPPED.format(actor=actor))


def give_up(bulk_action: BulkAction, why: Text) -> bool:
    """End an action early; False if it had already ended."""
    with transaction.atomic():
        held = BulkAction.objects.select_for_update(no_key=True).filter(
            pk=bulk_action.pk, finished_at=None
        )
        if not held.exists():
            return False
        lock(bulk_action.root)
        _finish(bulk_action, why)
    return True
