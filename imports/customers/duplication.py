"""A new draft with the files, the API and the settings of another job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from imports.customers import drafts
from imports.customers.members import sources
from imports.event_codes import EventCode
from imports.job_types import InputOutOfSight
from imports.ledger.lifecycle import NotAllowed, note
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import ImportFile
from imports.printable import path_of
from imports.storage import stored

if TYPE_CHECKING:
    from imports.models import ImportJob, MemberFile

DUPLICATE_OF = sentence("DUPLICATE_OF", gettext_noop("With the files and settings of job {job}."))
DUPLICATED_AS = sentence("DUPLICATED_AS", gettext_noop("As job {job}, a draft."))
NOT_A_FIRST_JOB = sentence(
    "ONLY_FIRST_JOBS_ARE_DUPLICATED",
    gettext_noop("A retry cannot be duplicated. Duplicate the first job instead."),
)
KEPT = ("rollout", "leave_earlier_copies_out")


def duplicate(job: ImportJob, name: str, actor: str) -> ImportJob:
    """Copy a job into a draft; its files are checked anew.

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
    member = sources.member_of(file)
    if member is not None:
        _add_member_file(draft, member)
    elif not file.is_ours:
        drafts.add_path(draft, path_of(file.path), file.name, wait=False)
    else:
        kept = stored.keep_path(stored.fresh_name(f"imports/{draft.pk}"), file.location)
        try:
            drafts.add_path(draft, Path(kept), file.name, is_ours=True, wait=False)
        except BaseException:
            stored.delete(kept)
            raise


def _add_member_file(draft: ImportJob, member: MemberFile) -> None:
    """Add a copy of a table's rows, or of the records that JSON lines became."""
    source = member.rows_path if member.source else member.file.location
    kept = stored.keep_path(stored.fresh_name(f"imports/{draft.pk}", source.suffix[1:]), source)
    copy = ImportFile(job=draft, name=member.file.name, path=kept, is_ours=True)
    try:
        if sources.take_copy(copy, member):
            drafts.judge(copy)
        with transaction.atomic():
            drafts.only_draft(draft)
            drafts.store(copy)
    except BaseException:
        sources.forget_pieces(copy)
        raise
