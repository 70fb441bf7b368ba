"""The Retry files tab: what was written, to be downloaded, written again or loaded."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Func, IntegerField, Max, Min, Sum
from django.http import Http404, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import drafts, kinds, retry_directory
from imports.admin import corrected, permissions, workspace
from imports.admin.addresses import to_tab
from imports.ledger.moves import NotAllowed
from imports.models import RetryFile
from imports.retry_directory import INSTRUCTIONS, SUMMARY
from imports.states import ENDED_JOBS
from imports.zip_pipe import Pipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

    from imports.ledger.sums import Sums
    from imports.models import ImportJob

DIRECTORIES_SHOWN = 20
FILES_SHOWN = 100
PIECE_BYTES = 1 << 16


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The directories, newest first, and the files of the newest."""
    length = Func("result_ids", function="cardinality", output_field=IntegerField())
    files = RetryFile.objects.filter(job=job).annotate(records=length)
    found = list(
        files.values("directory")
        .annotate(
            first=Min("pk"),
            n=Count("pk"),
            all_records=Sum("records"),
            written_at=Max("written_at"),
        )
        .order_by("-first")[:DIRECTORIES_SHOWN]
    )
    newest = found[0]["directory"] if found else ""
    return {
        "directories": [each | _place(each["directory"]) for each in found],
        "trouble": _trouble(job),
        "nothing_failed": not found and _nothing_failed(job),
        "files": files.filter(directory=newest).defer("result_ids").order_by("name")[:FILES_SHOWN],
    }


def _trouble(job: ImportJob) -> dict[str, Any] | None:
    """Why the files could not be written, and when it is tried again."""
    if not job.retry_files_error:
        return None
    return {
        "place": settings.RETRY_FILES_DIR,
        "why": retry_directory.reason(job.retry_files_error),
        "next_at": job.retry_files_due_at,
    }


def _nothing_failed(job: ImportJob) -> bool:
    """Whether the job has ended with nothing that a retry file could hold."""
    return job.status in ENDED_JOBS and not retry_directory.is_needed(job)


def _place(directory: str) -> dict[str, Any]:
    path = Path(directory)
    return {"name": path.name, "exists": _is_ours(path) and path.is_dir()}


def _is_ours(path: Path) -> bool:
    """Whether a directory is one of those that this installation writes and may hand out."""
    parent = Path(settings.RETRY_FILES_DIR).resolve()
    return path.resolve().parent == parent


def download(request: HttpRequest, job: ImportJob) -> StreamingHttpResponse:
    """One directory as a ZIP, streamed. Named by a file's id; no path comes from the request."""
    text = request.GET.get("of", "")
    pk = int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0
    file = RetryFile.objects.filter(job=job, pk=pk).only("directory").first()
    if file is None:
        raise Http404
    directory = Path(file.directory)
    if not _is_ours(directory) or not directory.is_dir():
        raise NotAllowed(
            _("This directory is not there any more. Write the files again, then download them.")
        )
    known = RetryFile.objects.filter(job=job, directory=file.directory).order_by("name")
    names = [SUMMARY, INSTRUCTIONS, *known.values_list("name", flat=True)]
    response = StreamingHttpResponse(_zipped(directory, names), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{directory.name}.zip"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _zipped(directory: Path, names: list[str]) -> Iterator[bytes]:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            path = directory / name
            if path.is_symlink() or not path.is_file():
                continue
            with (
                path.open("rb") as source,
                archive.open(f"{directory.name}/{name}", "w") as target,
            ):
                while piece := source.read(PIECE_BYTES):
                    target.write(piece)
                    yield pipe.taken()
    yield pipe.taken()


def write(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Write the files anew from the ledger: what waits by now, in a new directory."""
    try:
        directory = kinds.get(job.kind).write_retry_files(job, Path(settings.RETRY_FILES_DIR))
    except OSError as error:
        why = retry_directory.reason(retry_directory.code_of(error))
        told = {"place": settings.RETRY_FILES_DIR, "why": why}
        raise NotAllowed(_("%(place)s cannot be written to: %(why)s.") % told) from error
    if directory is None:
        messages.info(
            request, _("Nothing was written: no record failed, is unknown or was left out.")
        )
    else:
        told = {"directory": directory.name}
        messages.success(request, _("The retry files are in %(directory)s.") % told)
    return to_tab(job, "retry-files")


def load(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Load the newest retry files into a new draft and show its files."""
    draft = drafts.load_retry_files(job, permissions.actor(request))
    messages.success(
        request,
        _("The retry files are loaded. Put right what was wrong, then press Start."),
    )
    return to_tab(draft, workspace.of(draft.kind).tabs[0].slug)


def _count(job: ImportJob, sums: Sums) -> int | None:
    return RetryFile.objects.filter(job=job, directory=job.retry_directory).count() or None


TAB = workspace.Tab(
    slug="retry-files",
    label=gettext_lazy("Retry files"),
    icon="folder_zip",
    template="imports/job/retry_files.html",
    context=context,
    count=_count,
    acts={
        "zip": workspace.Act(download, permissions.EXPORT, methods=("GET",)),
        "write": workspace.Act(write, permissions.RETRY),
        "load": workspace.Act(load, permissions.RETRY),
        "upload": workspace.Act(corrected.upload, permissions.RETRY),
        "corrected": workspace.Act(
            corrected.corrected, permissions.RETRY, methods=("GET", "POST")
        ),
    },
)
