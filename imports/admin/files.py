"""The Files tab: what is to be imported, what is wrong with it, and Start."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import Count, Q, Sum
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import drafts, known_before, retry_directory
from imports.admin import checking, permissions, words, workspace
from imports.admin.addresses import to_tab
from imports.customers.selection import LEFT_OUT_FILE, RETRY_FILE, SUMMARY, UNCONFIRMED_FILE
from imports.ledger.moves import NotAllowed
from imports.models.files import FileStatus
from imports.states import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.files.uploadedfile import UploadedFile
    from django.http import HttpRequest, HttpResponse

    from imports.ledger.sums import Sums
    from imports.models import ImportFile, ImportJob

MOST_FILES = 200  # on the page; the sums count all
REFUSALS_SHOWN = 5


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The files, their sums, and what Start would do."""
    found = job.files.aggregate(
        count=Count("pk"),
        invalid=Count("pk", filter=Q(status=FileStatus.INVALID)),
        records=Sum("record_count", default=0),
        excluded=Sum("excluded_count", default=0),
        size=Sum("size", default=0),
        duplicates=Sum("duplicate_count", default=0),
        loaded=Count("pk", filter=Q(retry_file__isnull=False)),
    )
    is_draft = job.status == JobStatus.DRAFT
    is_cut = job.batches.exists()
    can_check = is_draft and not is_cut and found["count"] > 0 and found["invalid"] == 0
    return {
        **(checking.context(request, job) if can_check else {}),
        "files": job.files.order_by("-status", "pk")[:MOST_FILES] if found["count"] else [],
        "found": found,
        "sendable": found["records"] - found["excluded"],
        "is_cut": is_cut,
        "can_add": is_draft and not is_cut and permissions.may(request, permissions.CHANGE),
        "can_start": is_draft
        and (is_cut or (found["count"] > 0 and found["invalid"] == 0))
        and permissions.may(request, permissions.START),
        "plan": workspace.of(job.kind).plan(job) if is_cut or found["count"] else "",
        "known_before": known_before.of_files(notes_of(job)),
        "refusals_shown": REFUSALS_SHOWN,
        "most_files": MOST_FILES,
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
            request,
            _("None of these is a customer file. Choose .json files, or a directory of them."),
        )
    added = _add_all(job, uploads)
    bad = [file for file in added if file.status == FileStatus.INVALID]
    if added:
        _say(request, len(added), len(bad), sum(file.record_count for file in added))
    return _answer(request, job)


def _add_all(job: ImportJob, uploads: Sequence[UploadedFile[bytes]]) -> list[ImportFile]:
    """All of them or none: half a directory is not what anybody chose."""
    added: list[ImportFile] = []
    try:
        for upload in uploads:
            file = drafts.add_upload(job, upload, _name(upload))
            added.append(file)
    except BaseException as error:
        for file in added:
            drafts.remove_file(file)
        if isinstance(error, OSError):
            why = retry_directory.reason(retry_directory.code_of(error))
            raise NotAllowed(
                _("The files could not be kept: %(why)s. None of them was added.") % {"why": why}
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
            names[id(upload)].lower().endswith(".json")
            and not names[id(upload)].startswith(".")
            and names[id(upload)] not in left_out
            and not UNCONFIRMED_FILE.fullmatch(names[id(upload)])
            and not LEFT_OUT_FILE.fullmatch(names[id(upload)])
        )
    ]


def _name(upload: UploadedFile[bytes]) -> str:
    return PurePosixPath(upload.name or "").name


def _say(request: HttpRequest, added: int, bad: int, records: int) -> None:
    told = {"files": words.files(added), "customers": words.customers(records)}
    if bad:
        refused = {"bad": words.number(bad)}
        messages.warning(
            request,
            _("Added %(files)s; %(bad)s cannot be imported: see the reasons below.")
            % (told | refused),
        )
    else:
        messages.success(request, _("Added %(files)s with %(customers)s.") % told)


def remove(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Take one file out of the draft, or all that cannot be read."""
    if request.POST.get("file") == "invalid":
        for file in drafts.unreadable(job):
            drafts.remove_file(file)
    else:
        drafts.remove_file(get_object_or_404(job.files, pk=_number(request.POST.get("file", ""))))
    return _answer(request, job)


def copies(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Choose whether earlier copies of a customer are left out."""
    drafts.leave_earlier_copies_out(
        job, chosen="leave" in request.POST, actor=permissions.actor(request)
    )
    return _answer(request, job)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def _answer(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """The panel for htmx, the page for everyone else."""
    if not request.headers.get("HX-Request"):
        return to_tab(job, "files")
    shown = {"job": job, "tab": TAB, "is_part": True, **context(request, job)}
    shown["words"] = workspace.of(job.kind)
    return render(request, "imports/job/parts/files_panel.html", shown)


def _count(job: ImportJob, sums: Sums) -> int | None:
    return job.files.count() or None


TAB = workspace.Tab(
    slug="files",
    label=gettext_lazy("Files"),
    icon="folder_open",
    template="imports/job/files.html",
    context=context,
    count=_count,
    acts={
        "add": workspace.Act(add, permissions.CHANGE),
        "remove": workspace.Act(remove, permissions.CHANGE),
        "copies": workspace.Act(copies, permissions.CHANGE),
        "check": workspace.Act(checking.check, permissions.CHANGE),
        "checked": workspace.Act(checking.checked, permissions.VIEW, ("GET",)),
    },
)
