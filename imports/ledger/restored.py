"""After a restore: what was to be sent then may have been sent since. A person looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from imports.ledger.lifecycle import move, note, pause_for
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportJob
from imports.states import EventCode, JobStatus

if TYPE_CHECKING:
    from imports.messages import Message

RESTORED = "RESTORED"
RESTORED_TEXT = sentence(
    "JOB_RESTORED",
    _(
        "This job comes from a backup of {at}. What was sent after that is not known here: look "
        "in the receiving system before you go on."
    ),
)


def hold_all(made_at: str) -> int:
    """Pause every running job of a restored ledger, and make drafts of queued ones; how many.

    Call it before any worker runs.
    """
    message = RESTORED_TEXT.format(at=made_at)
    held = 0
    for job in ImportJob.objects.filter(status__in=[JobStatus.RUNNING, JobStatus.QUEUED]):
        if job.status == JobStatus.RUNNING:
            held += pause_for(job, RESTORED, message)
        else:
            held += _back_to_draft(job, message)
    for job in ImportJob.objects.filter(status=JobStatus.PAUSED).exclude(pause_code=RESTORED):
        note(job, EventCode.RESTORED, message)
    return held


def _back_to_draft(job: ImportJob, message: Message) -> bool:
    with transaction.atomic():
        moved = move(job, JobStatus.DRAFT, started_at=None)
        if moved:
            note(job, EventCode.RESTORED, message)
    return moved
