"""The Files tab: what is to be imported, what is wrong with it, Check everything, and Start."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import Count, Q, Sum
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import error_codes, retry_directory
from imports.admin import formatting, permissions
from imports.admin.job import page
from imports.admin.job.page import to_tab
from imports.customers import background, drafts, dry_run
from imports.customers.files.reader import (
    LEFT_OUT_FILE,
    MEMBER_FILES,
    RETRY_FILE,
    SUMMARY,
    UNCONFIRMED_FILE,
)
from imports.customers.files.warnings import MOST_SENTENCES
from imports.customers.members import sources
from imports.engine import queue
from imports.job_types import InputOutOfSight
from imports.ledger import known_before
from imports.ledger.lifecycle import NotAllowed
from imports.models import DryRun, RecordTemplate
from imports.rendering import in_words
from imports.states import FileStatus, JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.files.uploadedfile import UploadedFile
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from imports.error_codes import ErrorCode
    from imports.ledger.totals import Totals
    from imports.models import ImportFile, ImportJob

MOST_AT_ONCE = 50  # files that are checked while a person waits
MOST_EXAMPLES = 1  # of a reason: the list of files has the others


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some records would be left out."""

    code: str
    count: int
    examples: list[dict[str, Any]]
    remedy: ErrorCode | None

    @property
    def count_text(self) -> str:
        """ "5 customers"."""
        return formatting.customers(self.count)

    @property
    def more(self) -> int:
        """How many are like the examples."""
        return self.count - len(self.examples)


def check_context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The latest dry run, if there is one, and whether this person may ask for one."""
    run = DryRun.objects.filter(job=job).first()
    is_at_work = run is not None and run.finished_at is None
    return {
        "can_check": permissions.may(request, permissions.CHANGE) and not is_at_work,
        "checked": run,
        "is_checking": is_at_work,
        "is_outdated": run is not None and run.draft != dry_run.digest(job),
        "no_worker_checks": is_at_work and queue.worker_count() == 0,
        **(_forecast_context(run.forecast) if run and run.forecast else {}),
    }


def check(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Check a draft at once, or, where that would keep her waiting, in the background."""
    try:
        dry_run.ask(job, permissions.actor(request))
    except NotAllowed as refusal:
        messages.warning(request, in_words(refusal.message))
    else:
        if dry_run.is_small(job):
            with suppress(InputOutOfSight):  # a worker that can see the files makes it
                dry_run.carry_out(job)
        else:
            queue.enqueue_on_commit(job.pk)
    return checked(request, job) if request.headers.get("HX-Request") else to_tab(job, "files")


def checked(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """What was found, or how far it is: the part of the page."""
    shown: dict[str, Any] = {"job": job, "is_answer": True}
    if job.status == JobStatus.DRAFT:
        shown |= check_context(request, job)
    return render(request, "imports/job/parts/dry_run.html", shown)


def _forecast_context(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": _summary(found),
        "reasons": _reasons(found),
        "named_twice": formatting.customers(found["named_twice"]),
        "imported_before": formatting.customers(found["imported_before"]),
    }


def _summary(found: dict[str, Any]) -> str:
    names = {
        "customers": formatting.customers(found["customers"]),
        "files": formatting.files(found["files"]),
        "sent": formatting.number(found["would_send"]),
        "batches": formatting.batches(found["batches"]["total"]),
        "left_out": formatting.number(found["would_exclude"]),
    }
    if not found["would_exclude"]:
        return _("%(customers)s in %(files)s: all would be sent, in %(batches)s") % names
    if not found["would_send"]:
        return _("%(customers)s in %(files)s: none would be sent") % names
    return (
        _(
            "%(customers)s in %(files)s: %(sent)s would be sent in %(batches)s, "
            "%(left_out)s would be left out"
        )
        % names
    )


def _reasons(found: dict[str, Any]) -> list[Reason]:
    examples: dict[str, list[dict[str, Any]]] = {code: [] for code in found["excluded_by_reason"]}
    for each in found["excluded"]:
        if len(examples[each["code"]]) < MOST_EXAMPLES:
            examples[each["code"]].append(each)
    return [
        Reason(code, count, examples[code], error_codes.about(code))
        for code, count in found["excluded_by_reason"].items()
    ]


MOST_FILES = 200  # on the page; the sums count all


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The files, their sums, and what Start would do."""
    found = job.files.aggregate(
        count=Count("pk"),
        invalid=Count("pk", filter=Q(status=FileStatus.INVALID)),
        unfinished=Count("pk", filter=~Q(status=FileStatus.VALID)),
        reading=Count("pk", filter=Q(status=FileStatus.READING)),
        records=Sum("record_count", default=0),
        excluded=Sum("excluded_count", default=0),
        size=Sum("size", default=0),
        duplicates=Sum("duplicate_count", default=0),
        loaded=Count("pk", filter=Q(retry_file__isnull=False)),
    )
    is_draft = job.status == JobStatus.DRAFT
    is_cut = job.batches.exists()
    can_check = is_draft and not is_cut and found["count"] > 0 and found["unfinished"] == 0
    return {
        **(check_context(request, job) if can_check else {}),
        "files": _files(job) if found["count"] else [],
        **_member_context(job, found),
        "found": found,
        "sendable": found["records"] - found["excluded"],
        "is_cut": is_cut,
        "can_add": is_draft and not is_cut and permissions.may(request, permissions.CHANGE),
        "can_start": is_draft
        and (is_cut or (found["count"] > 0 and found["unfinished"] == 0))
        and permissions.may(request, permissions.START),
        "workload": page.of(job.kind).workload(job) if is_cut or found["count"] else "",
        "known_before": known_before.of_files(notes_of(job)),
        "most_sentences": MOST_SENTENCES,
        "most_files": MOST_FILES,
    }


def _files(job: ImportJob) -> QuerySet[ImportFile]:
    """Those with faults first, then those that wait for somebody."""
    return job.files.select_related("member__template").order_by("-status", "pk")[:MOST_FILES]


def _member_context(job: ImportJob, found: dict[str, Any]) -> dict[str, Any]:
    """What member files need: the API's templates, and whether a worker reads one."""
    current = RecordTemplate.objects.filter(api=job.api_id, is_current=True).order_by("name")
    return {
        "record_templates": current.only("name") if found["count"] else [],
        "is_reading": found["reading"] > 0,
        "no_worker_reads": found["reading"] > 0 and queue.worker_count() == 0,
    }


def notes_of(job: ImportJob) -> list[dict[str, Any]]:
    """What is known of a job's files, file by file."""
    noted = job.files.exclude(known_before=[]).order_by("pk")
    return [note for notes in noted.values_list("known_before", flat=True) for note in notes]


def add(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Keep what was chosen, and check each file at once."""
    uploads = _wanted(request.FILES.getlist("files"))
    if not uploads and request.FILES:
        messages.warning(
            request, _("None of these is a customer file. Choose JSON, NDJSON, CSV or XLSX files.")
        )
    added = _add_all(job, uploads)
    if added and "instead" in request.POST:
        _remove_refused(job, request.POST["instead"])
    if added:
        _say(request, added)
    return _answer(request, job)


def _remove_refused(job: ImportJob, pk: str) -> None:
    """Take out the file that somebody has chosen another one for."""
    chosen = formatting.whole_number(pk)
    for file in drafts.unreadable(job):
        if file.pk == chosen:
            drafts.remove_file(file)


def _add_all(job: ImportJob, uploads: Sequence[UploadedFile[bytes]]) -> list[ImportFile]:
    """All of them or none: half a directory is not what anybody chose.

    Small ones are checked while the person waits, as long as that takes a second or two.
    """
    added: list[ImportFile] = []
    size = 0
    try:
        for number, upload in enumerate(uploads, start=1):
            size += upload.size or 0
            is_quick = size <= sources.AT_ONCE_BYTES and number <= MOST_AT_ONCE
            added.append(drafts.add_upload(job, upload, _name(upload), at_once=is_quick))
        if any(file.status == FileStatus.READING for file in added):
            queue.enqueue_on_commit(job.pk)
    except BaseException as error:
        for file in added:
            drafts.remove_file(file)
        if isinstance(error, OSError):
            why = retry_directory.reason(retry_directory.code_of(error))
            raise NotAllowed(
                _("The files could not be saved: %(why)s. None of them was added.") % {"why": why}
            ) from error
        raise
    return added


def _wanted(uploads: Sequence[UploadedFile[bytes]]) -> list[UploadedFile[bytes]]:
    """The customer files among those chosen: of a retry directory only the failed customers."""
    names = {id(upload): PurePosixPath(upload.name or "").name for upload in uploads}
    retries = [upload for upload in uploads if RETRY_FILE.fullmatch(names[id(upload)])]
    if retries and len(uploads) > len(retries):
        return sorted(retries, key=lambda upload: names[id(upload)])
    left_out = (SUMMARY, "RETRY_INSTRUCTIONS.md")
    alone = len(uploads) == 1  # whatever is chosen by itself is meant, and checked
    return [
        upload
        for upload in uploads
        if alone
        or (
            names[id(upload)].lower().endswith(MEMBER_FILES)
            and not names[id(upload)].startswith(".")
            and names[id(upload)] not in left_out
            and not UNCONFIRMED_FILE.fullmatch(names[id(upload)])
            and not LEFT_OUT_FILE.fullmatch(names[id(upload)])
        )
    ]


def _name(upload: UploadedFile[bytes]) -> str:
    return PurePosixPath(upload.name or "").name


def _say(request: HttpRequest, added: list[ImportFile]) -> None:
    bad = sum(file.status == FileStatus.INVALID for file in added)
    records = sum(file.record_count for file in added)
    params = {"files": formatting.files(len(added)), "customers": formatting.customers(records)}
    if any(file.status == FileStatus.READING for file in added):
        messages.info(
            request,
            _("Received %(files)s. A worker checks them; you may leave the page.") % params,
        )
    elif bad:
        refused = {"bad": formatting.number(bad)}
        messages.warning(
            request,
            _("Added %(files)s; %(bad)s cannot be imported: see the reasons below.")
            % (params | refused),
        )
    else:
        messages.success(request, _("Added %(files)s with %(customers)s.") % params)


def remove(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Take one file out of the draft, or all that cannot be read."""
    if request.POST.get("file") == "invalid":
        for file in drafts.unreadable(job):
            drafts.remove_file(file)
    else:
        pk = formatting.whole_number(request.POST.get("file", ""))
        drafts.remove_file(get_object_or_404(job.files, pk=pk))
    return _answer(request, job)


def use_template(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Read a member file by a record template."""
    file = get_object_or_404(job.files, pk=formatting.whole_number(request.POST.get("file", "")))
    templates = RecordTemplate.objects.filter(api=job.api_id, is_current=True)
    chosen = formatting.whole_number(request.POST.get("template", ""))
    if background.use_template(file, get_object_or_404(templates, pk=chosen)):
        queue.enqueue_on_commit(job.pk)
    return _answer(request, job)


def panel(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """The files as they are now, while a worker reads one."""
    return _answer(request, job)


def copies(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Choose whether earlier copies of a customer are left out."""
    drafts.leave_earlier_copies_out(
        job, chosen="leave" in request.POST, actor=permissions.actor(request)
    )
    return _answer(request, job)


def _answer(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """The panel for htmx, the page for everyone else."""
    if not request.headers.get("HX-Request"):
        return to_tab(job, "files")
    shown = {"job": job, "tab": TAB, "is_part": True, **context(request, job)}
    shown["words"] = page.of(job.kind)
    return render(request, "imports/job/parts/files_panel.html", shown)


def _count(job: ImportJob, job_totals: Totals) -> int | None:
    return job.files.count() or None


TAB = page.Tab(
    slug="files",
    label=gettext_lazy("Files"),
    icon="folder_open",
    template="imports/job/files.html",
    context=context,
    count=_count,
    acts={
        "add": page.Action(add, permissions.CHANGE),
        "remove": page.Action(remove, permissions.CHANGE),
        "copies": page.Action(copies, permissions.CHANGE),
        "template": page.Action(use_template, permissions.CHANGE),
        "panel": page.Action(panel, permissions.VIEW, ("GET",)),
        "check": page.Action(check, permissions.CHANGE),
        "checked": page.Action(checked, permissions.VIEW, ("GET",)),
    },
)
