"""Decisions about very many records: fixed when they are confirmed, carried out part by part.

Each part is one short transaction that also marks the part as done: a worker that is killed
takes nothing with it, and whoever comes next goes on where the last part ended.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from imports import kinds
from imports.event_codes import EventCode
from imports.ledger import rounds, verdicts
from imports.ledger.copying import copy
from imports.ledger.intake import copy_in
from imports.ledger.moves import NotAllowed, lock, note, tell_of
from imports.ledger.versions import RETRIED_ONCE
from imports.messages import Message, sentence
from imports.messages import marked as gettext_noop
from imports.models import ImportResult, Plan, PlanPart
from imports.models.jobs import Beginning
from imports.models.plans import PlanAction
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from imports.messages import Text
    from imports.models import ImportJob

PART = 2_000  # records of one transaction, and of anything that is done while a person waits
IDS_AT_ONCE = 20_000
PARTS_AT_ONCE = 20
PART_COLUMNS = {"plan_id": "int8", "number": "int4", "result_ids": "int8[]"}
IN_BACKGROUND = sentence("IN_BACKGROUND", gettext_noop("{n} records, in the background."))
DONE = sentence("DONE", gettext_noop("{n} of {total} records."))
LEFT_ALONE = sentence("LEFT_ALONE", gettext_noop("{n} had changed meanwhile and were left alone."))
STOPPED = sentence("STOPPED", gettext_noop("Stopped by {actor}."))
RETRIES = (PlanAction.RETRY, PlanAction.SEND_AGAIN)


def status_for(action: PlanAction) -> ResultStatus:
    """Where a record must stand for this to be done with it."""
    is_failed = action in (PlanAction.RETRY, PlanAction.EXCLUDE)
    return ResultStatus.ERROR if is_failed else ResultStatus.UNKNOWN


def unfinished(job: ImportJob) -> Plan | None:
    """What is being done with many of the records of `job`, or was pressed there."""
    return Plan.objects.filter(job=job, finished_at=None).select_related("job", "root").first()


def make(
    job: ImportJob, action: PlanAction, only: Q | None = None,
    *, reason: str = "", actor: str = "", insists: bool = False, starts: bool = True,
    beginning: str = Beginning.ALL,
) -> Plan:  # fmt: skip
    """Fix which records of `job` and its rounds this is done with; nothing is done yet.

    Raises NotAllowed without a record, without a reason where one is needed, and while another
    plan for the same records is being carried out.
    """
    if action != PlanAction.RETRY and not reason.strip():
        raise NotAllowed(verdicts.NO_REASON)
    with transaction.atomic():
        lock(job.first)
        if Plan.objects.filter(root=job.first, finished_at=None).exists():
            raise NotAllowed(
                _(
                    "Something is being done with many of these records already: nothing else "
                    "was begun. Wait until it has ended, then look at what is left."
                )
            )
        chosen = rounds.waiting(job, status_for(action)).filter(only or Q())
        left_out = 0
        if action == PlanAction.RETRY and not insists:
            chosen, left_out = rounds.without_the_hopeless(job, chosen)
        plan = Plan.objects.create(
            job=job, root=job.first, action=action, reason=reason, actor=actor, insists=insists,
            starts=starts, left_out=left_out,
        )  # fmt: skip
        plan.total = _write_parts(plan, chosen)
        if not plan.total:
            raise NotAllowed(_nothing_left(job, action, left_out))
        if action in RETRIES:
            plan.made = rounds.new_round(job, reason, insists=insists, beginning=beginning)
        else:
            word = verdicts.of(action, reason, actor).word
            plan.event = note(job, word, IN_BACKGROUND.format(n=plan.total), actor, reason)
        plan.save()
    return plan


def _nothing_left(job: ImportJob, action: PlanAction, left_out: int) -> str:
    if action == PlanAction.RETRY:
        return rounds.nothing_left(job, skipped=0, left_out=left_out)
    return _("None of these records stands as it did: nothing was changed. Look at them again.")


def _write_parts(plan: Plan, chosen: QuerySet[ImportResult]) -> int:
    """Keep the ids of these records, in the order of their batches; how many they are."""
    rows: list[tuple[object, ...]] = []
    count = 0
    for number, ids in enumerate(_in_parts(chosen)):
        rows.append((plan.pk, number, ids))
        count += len(ids)
        if len(rows) == PARTS_AT_ONCE:
            copy_in("imports_planpart", PART_COLUMNS, rows)
            rows.clear()
    copy_in("imports_planpart", PART_COLUMNS, rows)
    return count


def _in_parts(chosen: QuerySet[ImportResult]) -> Iterator[list[int]]:
    """Ids, PART or more of them at a time: a batch number is never cut in two.

    So a retry's batches come out as they would in one go.
    """
    rows = chosen.order_by("batch__number", "batch_id", "pk").values_list("batch__number", "pk")
    ids: list[int] = []
    for _number, group in groupby(rows.iterator(chunk_size=IDS_AT_ONCE), key=lambda row: row[0]):
        if len(ids) >= PART:
            yield ids
            ids = []
        ids += [pk for _number, pk in group]
    if ids:
        yield ids


def carry_on(plan: Plan) -> bool:
    """Do one part more, or, after the last, what ends the plan; False where nothing is left.

    Also False where another worker is at it.
    """
    try:
        return _carry_on(plan)
    except IntegrityError as error:  # a retry file with some of them was read at this very moment
        if RETRIED_ONCE not in str(error):
            raise
        return True  # the part is done anew, without those


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
    """What was decided, with those of these records that still stand where they stood."""
    action = PlanAction(plan.action)
    chosen = rounds.waiting(plan.job, status_for(action)).filter(pk__in=ids)
    if action not in RETRIES:
        decision = verdicts.of(action, plan.reason, plan.actor)
        moved = verdicts.write_down(decision, chosen)
        if plan.event:
            tell_of(plan.event, moved)
        return len(moved)
    if action == PlanAction.RETRY and not plan.insists:
        chosen, _left_out = rounds.without_the_hopeless(plan.job, chosen)
    if plan.made is None:
        raise RuntimeError("the retry that was being put together is gone")
    return copy(plan.made, chosen, keep_keys=action == PlanAction.SEND_AGAIN)


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
        kinds.get(plan.made.kind).copy_records(plan.made)
        rounds.note_both(plan.job, plan.made, plan.taken, plan.reason, plan.actor)
        if trouble or plan.left_alone:
            note(plan.job, EventCode.MADE_IN_BACKGROUND, _told(plan, trouble))
        if plan.starts and not trouble:
            rounds.queue(plan.made, plan.actor)


def _told(plan: Plan, trouble: Text | None) -> Text:
    told = DONE.format(n=plan.taken, total=plan.total)
    if plan.left_alone:
        told += LEFT_ALONE.format(n=plan.left_alone)
    return trouble + told if isinstance(trouble, Message) else told


def stop(plan: Plan, actor: str) -> bool:
    """Do nothing more; what is done stays, and a retry stays a draft. False if it had ended."""
    return give_up(plan, STOPPED.format(actor=actor))


def give_up(plan: Plan, why: Text) -> bool:
    """End a plan before its time; False if it had ended already."""
    with transaction.atomic():
        held = Plan.objects.select_for_update(no_key=True).filter(pk=plan.pk, finished_at=None)
        if not held.exists():
            return False
        lock(plan.root)
        _finish(plan, why)
    return True
