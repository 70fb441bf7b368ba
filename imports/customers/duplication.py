"""A new draft with the files, the API and the settings of another job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from imports.customers import drafts
from imports.customers.members import places, sources
from imports.event_codes import EventCode
from imports.job_types import InputOutOfSight
from imports.ledger.lifecycle import NotAllowed, note
from imports.ledger.retries import DUPLICATED_AS, NOT_A_FIRST_JOB
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import ImportFile
from imports.models.files import FileStatus
from imports.printable import path_of
from imports.storage import stored

if TYPE_CHECKING:
    from imports.models import ImportJob

DUPLICATE_OF = sentence("DUPLICATE_OF", gettext_noop("With the files and settings of job {job}."))
KEPT = ("rollout", "leave_earlier_copies_out")


def duplicate(job: ImportJob, name: str, actor: str) -> ImportJob:
    """Copy a job into a draft; its files are checked anew, large ones by a worker.

    The caller enqueues it.

    Raises NotAllowed for a retry, and where a file is gone or cannot be copied.
    """
    if job.api is None or job.retry_of_id is not None:
        raise NotAllowed(NOT_A_FIRST_JOB)
    try:
        drafts.bring_files(job)
    except InputOutOfSight as error:
        raise NotAllowed(error.message) from None
    settings = drafts.settings_of(job) | {field: getattr(job, field) for field in KEPT}
    draft = drafts.new_draft(job.api, name, actor, **settings)
    try:
        for file in job.files.select_related("member__template").order_by("pk"):
            _add(draft, file)
    except BaseException:
        drafts.remove_draft(draft)
        raise
    note(draft, EventCode.DUPLICATED, DUPLICATE_OF.format(job=job.pk), actor)
    note(job, EventCode.DUPLICATED, DUPLICATED_AS.format(job=draft.pk), actor)
    return draft


def _add(draft: ImportJob, file: ImportFile) -> None:
    """Add a copy of an upload of ours; a file of somebody else's is read where it lies."""
    if file.is_ours:
        _add_copy(draft, file)
    else:
        drafts.add_path(draft, path_of(file.path), file.name)


def _add_copy(draft: ImportJob, file: ImportFile) -> None:
    """Add what a file was before it was read: a table's rows, or its records. A worker reads
    a large one.
    """
    member = sources.member_of(file)
    table = member if member is not None and member.source else None
    source = table.rows_path if table else file.location
    # What JSON lines became is no such file any more, and its name says what it is.
    became_json = member is not None and table is None and file.status == FileStatus.VALID
    name = f"{file.name[:490]}.json" if became_json else file.name
    kept = stored.keep_path(stored.fresh_name(f"imports/{draft.pk}", source.suffix[1:]), source)
    copy = ImportFile(job=draft, name=name, path=kept, is_ours=True)
    try:
        if table is not None:
            sources.take_copy(copy, table)
        if sources.is_large(copy):
            sources.wait_for_worker(copy)
        elif sources.make_readable(copy):
            drafts.judge(copy)
        with transaction.atomic():
            drafts.only_draft(draft)
            drafts.store(copy)
    except BaseException:
        stored.delete(kept)
        sources.forget_pieces(copy)
        raise
    places.forget_unused([kept], copy)
