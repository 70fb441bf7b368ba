"""Before a job is started: making it, adding and checking its files, throwing it away.

A draft may also be a duplicate: the files, the API and the settings of another job.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction

from imports.customers.api.setup import checks_of, honours_keys
from imports.customers.files.batching import check, out_of_sight
from imports.customers.members import conversion, sources
from imports.customers.retry_file_matches import is_at_home, recognise
from imports.job_types import InputOutOfSight
from imports.ledger.lifecycle import NotAllowed, lock, note, refuse_incomplete
from imports.ledger.retries import DUPLICATED_AS, NOT_A_FIRST_JOB
from imports.messages import marked as gettext_noop
from imports.messages import sentence
from imports.models import CustomerApi, ImportFile, ImportJob, RateLimit, RecordTemplate, RetryFile
from imports.outside_text import path_of, printable, printable_name, stored_path
from imports.states import EventCode, FileStatus, JobStatus
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.files.uploadedfile import UploadedFile

    from imports.customers.files.duplicates import IdRegister


COPIES_LEFT_OUT = sentence("COPIES_CHOICE_LEAVE_OUT", gettext_noop("Duplicates will be left out."))
NO_RETRY_FILES = sentence("NO_RETRY_FILES", gettext_noop("This job has no retry files."))
ONLY_CUSTOMERS = sentence(
    "ONLY_CUSTOMERS", gettext_noop("Only customer imports can be loaded from retry files.")
)
FILES_FIXED = sentence(
    "FILES_FIXED",
    gettext_noop("This job has started, so its files can no longer change. Create a new import."),
)
COPIES_SENT = sentence(
    "COPIES_CHOICE_SEND", gettext_noop("Every copy of a customer will be sent.")
)
COPIED = (
    "batch_size", "concurrency", "delay_seconds", "timeout_seconds", "max_attempts",
    "retry_delay_seconds",
)  # fmt: skip


def rate_limit_of(api: CustomerApi) -> RateLimit:
    """The row at which this API's limits hold for all its jobs."""
    rate_limit, _is_new = RateLimit.objects.update_or_create(
        key=api.rate_limit_key, defaults={"concurrency": api.concurrency}
    )
    return rate_limit


def new_draft(api: CustomerApi, name: str, actor: str = "", **changes: Any) -> ImportJob:
    """A draft without files, with the API's settings."""
    settings = settings_of(api) | changes
    job = ImportJob.objects.create(
        kind="customers",
        name=printable(name)[:200],
        api=api,
        rate_limit=rate_limit_of(api),
        repeatable=honours_keys(api),
        **settings,
    )
    note(job, EventCode.CREATED, actor=actor)
    return job


def settings_of(source: CustomerApi | ImportJob) -> dict[str, Any]:
    """What a draft takes over from its API, or from the job whose retry files it is made of."""
    return {field: getattr(source, field) for field in COPIED}


def use_api(job: ImportJob, api: CustomerApi) -> None:
    """Send a draft to another API (or as another credential). The caller saves the job."""
    job.api, job.rate_limit, job.repeatable = api, rate_limit_of(api), honours_keys(api)


def recognise_files(job: ImportJob) -> None:
    """After another API was chosen: what a draft's files are there, and which job it retries."""
    if job.api is None or job.batches.exists():
        return
    with transaction.atomic():
        only_draft(job)
        job.retry_of, job.root, job.retry_number = None, None, 0
        job.save(update_fields=["retry_of", "root", "retry_number"])
        for file in job.files.select_related("member__template").order_by("pk"):
            file.job = job
            if sources.ask_again(file):
                store(file)
                continue
            recognise(job, file, checks_of(job.api))
            file.save(update_fields=["retry_file", "known_before"])
            _follow(job, file)


def add_path(
    job: ImportJob, path: Path, name: str = "", *, is_ours: bool = False,
    template: RecordTemplate | None = None,
) -> ImportFile:  # fmt: skip
    """Check a local file and add it, readable or not; its status says which.

    `template` makes records of a member file's rows.
    """
    only_draft(job)
    file = _new_file(job, path, name, is_ours=is_ours)
    try:
        if sources.make_readable(file, template):
            judge(file)
        _share(file)
        with transaction.atomic():
            only_draft(job)  # checking may have taken minutes
            store(file)
    except BaseException:
        sources.forget_pieces(file)
        raise
    if is_ours:
        conversion.forget_unused([stored_path(path)], file)
    return file


def _share(file: ImportFile) -> None:
    """Keep a copy of a file of this host where all hosts see it, if there is such a place."""
    is_local = not stored.is_stored(file.path)
    if is_local and stored.is_shared() and file.status == FileStatus.VALID:
        file.path = stored.keep_path(stored.fresh_name(f"imports/{file.job_id}"), file.location)
        file.is_ours = True


def checked(
    job: ImportJob, path: Path, name: str = "", register: IdRegister | None = None,
    template: RecordTemplate | None = None,
) -> ImportFile:  # fmt: skip
    """A file with its verdict, and known again if it is a retry file of ours. Nothing is stored.

    `register` knows the ids of the files before; without one the draft's own are read again.
    """
    file = _new_file(job, path, name)
    if sources.make_readable(file, template):
        judge(file, register)
    return file


def _new_file(job: ImportJob, path: Path, name: str, *, is_ours: bool = False) -> ImportFile:
    known_as = printable(name) if name else printable_name(path)
    return ImportFile(job=job, name=known_as[:500], path=stored_path(path), is_ours=is_ours)


def judge(
    file: ImportFile, register: IdRegister | None = None,
    seen: Callable[[int], None] = lambda records: None,
) -> None:  # fmt: skip
    """Read a file that is API-shaped by now, and set its verdict. The caller saves it."""
    check(file, register, seen)
    member = sources.member_of(file)
    if member is not None and file.status == FileStatus.VALID:
        conversion.name_rows(file)
        sources.add_warnings(file, member)
    if file.job.api is not None:
        recognise(file.job, file, checks_of(file.job.api))


def store(file: ImportFile) -> None:
    """Save a file of a draft and what it was made of. The caller holds the draft."""
    file.save()
    sources.save(sources.member_of(file))
    _follow(file.job, file)


def add_upload(
    job: ImportJob, upload: UploadedFile[bytes], name: str = "",
    template: RecordTemplate | None = None, *, at_once: bool = True,
) -> ImportFile:  # fmt: skip
    """Keep an uploaded file under a name of ours, and add it: checked, or to be checked.

    `at_once`: check it now, unless it is large. Otherwise its status says that a worker must:
    the caller enqueues the job.
    """
    only_draft(job)
    kept = stored.keep(stored.fresh_name(f"imports/{job.pk}"), upload)
    file = _new_file(job, Path(kept), name or upload.name or "", is_ours=True)
    try:
        if at_once and not sources.is_large(file):
            return add_path(job, Path(kept), file.name, is_ours=True, template=template)
        sources.wait_for_worker(file, template)
        with transaction.atomic():
            only_draft(job)
            store(file)
    except BaseException:
        stored.delete(kept)
        raise
    return file


def _follow(job: ImportJob, file: ImportFile) -> None:
    """A draft of retry files is a retry of the job they came from, if it goes to the same API."""
    source = file.retry_file.job if file.retry_file else None
    if source is None or job.retry_of_id is not None or not is_at_home(file, job):
        return
    job.retry_of, job.root = source, source.first
    job.retry_number = ImportJob.objects.filter(root=source.first).count() + 1
    job.save(update_fields=["retry_of", "root", "retry_number"])


def bring_files(job: ImportJob) -> None:
    """See to it that this host can read the job's files. Raises InputOutOfSight."""
    for file in job.files.order_by("pk"):
        try:
            file.location.open("rb").close()
        except OSError as error:
            raise out_of_sight(file.name, error) from None


def remove_file(file: ImportFile) -> None:
    """Take a file out of a draft; an upload of ours is deleted, anyone else's file is not."""
    with transaction.atomic():
        only_draft(file.job)
        pieces = file.pieces
        file.delete()
        _recognise_twins(file)
    if file.is_ours:
        transaction.on_commit(lambda: conversion.forget(*pieces), robust=True)


def _recognise_twins(removed: ImportFile) -> None:
    """The first of those with the same bytes as a removed file is sent now, and says so."""
    job = removed.job
    if job.api is None or not removed.sha256:
        return
    if twin := job.files.filter(sha256=removed.sha256).order_by("pk").first():
        recognise(job, twin, checks_of(job.api))
        twin.duplicate_count = max(twin.duplicate_count, removed.duplicate_count)
        twin.save(update_fields=["retry_file", "known_before", "duplicate_count"])


def leave_earlier_copies_out(job: ImportJob, *, chosen: bool, actor: str = "") -> None:
    """Choose whether only the last copy of a customer is sent that the files name again."""
    with transaction.atomic():
        only_draft(job)
        changed = ImportJob.objects.filter(pk=job.pk).exclude(leave_earlier_copies_out=chosen)
        if changed.update(leave_earlier_copies_out=chosen):
            choice = COPIES_LEFT_OUT if chosen else COPIES_SENT
            note(job, EventCode.SETTINGS_CHANGED, choice, actor)
    job.leave_earlier_copies_out = chosen


def remove_draft(job: ImportJob) -> None:
    """Delete a draft and its uploads. A job that was started is never deleted."""
    with transaction.atomic():
        only_draft(job)
        for file in job.files.all():
            remove_file(file)
        job.delete()


def load_retry_files(job: ImportJob, actor: str = "", only: int | None = None) -> ImportJob:
    """A new draft with the job's newest retry files and nothing else, or the one that has them.

    `only` is the id of one of them. Raises NotAllowed where the job has none.
    """
    with transaction.atomic():
        lock(job)
        files = RetryFile.objects.filter(job=job, directory=job.retry_directory, confirmed=True)
        files = files if only is None else files.filter(pk=only)
        if not job.retry_directory or not files:
            raise NotAllowed(NO_RETRY_FILES)
        return _draft_with(job, {each.pk for each in files}) or _draft_of(
            job, files.order_by("name"), actor
        )


def _draft_with(job: ImportJob, wanted: set[int]) -> ImportJob | None:
    """The draft that has just these retry files."""
    drafts = ImportJob.objects.filter(
        retry_of=job, status=JobStatus.DRAFT, files__retry_file__in=wanted
    )
    for draft in drafts.distinct():
        if set(draft.files.values_list("retry_file", flat=True)) == wanted:
            return draft
    return None


def _draft_of(job: ImportJob, files: Any, actor: str) -> ImportJob:
    if job.api is None:
        raise NotAllowed(ONLY_CUSTOMERS)
    draft = new_draft(job.api, _retry_name(job), actor, **settings_of(job))
    for file in files:
        add_path(draft, Path(file.directory) / file.name)
    draft.refresh_from_db()
    return draft


def _retry_name(job: ImportJob) -> str:
    number = ImportJob.objects.filter(root=job.first).count() + 1
    base = re.sub(r" · retry \d+$", "", job.first.name)
    return f"{base} · retry {number}"


def only_draft(job: ImportJob) -> None:
    """Inside a transaction this holds to its end: nobody starts the job meanwhile."""
    with transaction.atomic():
        is_draft = lock(job) == JobStatus.DRAFT
        refuse_incomplete(job)
    if not is_draft:
        raise NotAllowed(FILES_FIXED)


def unreadable(job: ImportJob) -> list[ImportFile]:
    """The files of a draft that cannot be read as they are."""
    return list(job.files.filter(status=FileStatus.INVALID))


def unfinished(job: ImportJob) -> list[ImportFile]:
    """The files of a draft that keep it from being started."""
    return list(job.files.exclude(status=FileStatus.VALID))


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
        bring_files(job)
    except InputOutOfSight as error:
        raise NotAllowed(error.message) from None
    settings = settings_of(job) | {field: getattr(job, field) for field in KEPT}
    draft = new_draft(job.api, name, actor, **settings)
    try:
        for file in job.files.select_related("member__template").order_by("pk"):
            _add(draft, file)
    except BaseException:
        remove_draft(draft)
        raise
    note(draft, EventCode.DUPLICATED, DUPLICATE_OF.format(job=job.pk), actor)
    note(job, EventCode.DUPLICATED, DUPLICATED_AS.format(job=draft.pk), actor)
    return draft


def _add(draft: ImportJob, file: ImportFile) -> None:
    """Add a copy of an upload of ours; a file of somebody else's is read where it lies."""
    if file.is_ours:
        _add_copy(draft, file)
    else:
        add_path(draft, path_of(file.path), file.name)


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
            judge(copy)
        with transaction.atomic():
            only_draft(draft)
            store(copy)
    except BaseException:
        stored.delete(kept)
        sources.forget_pieces(copy)
        raise
    conversion.forget_unused([kept], copy)
