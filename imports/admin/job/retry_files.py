"""The Retry files tab: download, regenerate and load retry files, and upload a corrected one."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Func, IntegerField, Max, Min, Q, Sum
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import job_types, retry_directory
from imports.admin import formatting, permissions
from imports.admin.formatting import editable
from imports.admin.job import page
from imports.admin.job.page import act_url, to_tab
from imports.customers import corrections, drafts
from imports.customers import corrections as customers
from imports.customers.api.setup import checks_of
from imports.customers.corrections import GO_OUT, OBSTACLES, RowOutcome
from imports.customers.files.errors import UnreadableFile
from imports.customers.members.failed_rows import keep_rows
from imports.engine import queue
from imports.exports import Pipe
from imports.ledger import retries
from imports.ledger.lifecycle import NotAllowed
from imports.models import CustomerApi, RetryFile
from imports.models.apis import SECRETS
from imports.rendering import in_words
from imports.retry_directory import INSTRUCTIONS, SUMMARY
from imports.states import ENDED_JOBS
from imports.storage import stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrOrPromise

    from imports.customers.corrections import CorrectionPreview, Entry, Upload
    from imports.customers.files.limits import Checks
    from imports.ledger.totals import Totals
    from imports.models import ImportJob

MOST_FILES = 200
MOST_COMPARED = 100_000  # bytes
# The heading and remedy of each outcome, in the order of the page.
ROW_OUTCOMES: dict[RowOutcome, tuple[_StrOrPromise, _StrOrPromise]] = {
    RowOutcome.STRANGER: (
        gettext_lazy("Not in this import"),
        gettext_lazy("Correct the id in the file, or remove the record from it."),
    ),
    RowOutcome.TWICE: (
        gettext_lazy("In the file more often than in the import"),
        gettext_lazy("Keep one of them in the file and remove the others."),
    ),
    RowOutcome.UNSENDABLE: (
        gettext_lazy("Cannot be sent as it stands"),
        gettext_lazy("Correct them in the file."),
    ),
    RowOutcome.SENT: (
        gettext_lazy("Failed, corrected in this file"),
        gettext_lazy("They are sent as new versions. The failed versions stay in the history."),
    ),
    RowOutcome.CHANGED_ID: (
        gettext_lazy("Failed, corrected in this file under another id"),
        gettext_lazy(
            "Matched by position in the retry file, or by what is unchanged. Check that each "
            "is the same customer, then send: the history keeps both ids."
        ),
    ),
    RowOutcome.SAME: (
        gettext_lazy("Failed, unchanged in this file"),
        gettext_lazy("They are left as they are. Retry failed sends them again unchanged."),
    ),
    RowOutcome.LATER: (
        gettext_lazy("Imported later by another job, in a newer version"),
        gettext_lazy("They are not sent unless you choose to: they would replace that version."),
    ),
    RowOutcome.IMPORTED: (
        gettext_lazy("Already imported"),
        gettext_lazy("They are not sent again unless you choose to."),
    ),
    RowOutcome.UNKNOWN: (
        gettext_lazy("May have arrived"),
        gettext_lazy("Look them up and decide first, or send them anyway."),
    ),
    RowOutcome.LEFT_OUT: (
        gettext_lazy("Excluded by a person"),
        gettext_lazy("They are not sent unless you choose to."),
    ),
    RowOutcome.ON_ITS_WAY: (
        gettext_lazy("Already being sent"),
        gettext_lazy("Wait until they are done."),
    ),
}


def upload(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Keep what was chosen, and show what would happen."""
    _refuse_others(job)
    chosen = request.FILES.getlist("files")[:MOST_FILES]
    if not chosen:
        raise NotAllowed(_("Choose the corrected file first."))
    for each in chosen:
        each.name = PurePosixPath(each.name or "").name
    try:
        query = urlencode({"of": corrections.keep(job, chosen)})
    except UnreadableFile as error:
        raise NotAllowed(in_words(error.message)) from None
    return redirect(f"{act_url(job.pk, 'retry-files', 'corrected')}?{query}")


def corrected(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """What would happen to each record; a POST makes it so, if it is still the same."""
    _refuse_others(job)
    token = request.POST.get("of", "") or request.GET.get("of", "")
    try:
        uploads = corrections.find(job, token)
    except corrections.Gone:
        raise NotAllowed(_("The uploaded file has expired. Upload it again.")) from None
    reason = request.POST.get("reason", "").strip()
    has_changed = False
    if request.method == "POST" and reason:
        try:
            return _send(request, job, uploads, reason)
        except (retries.Overtaken, corrections.Changed):
            has_changed = True
    preview = corrections.preview(_entries(job, uploads, _checks(job)))
    needs_reason = request.method == "POST" and not reason
    return _show(request, job, preview, token, has_changed=has_changed, needs_reason=needs_reason)


def _refuse_others(job: ImportJob) -> None:
    if job.api_id is None or job.status not in ENDED_JOBS:
        raise NotAllowed(_("Corrected files are for customer imports that have ended."))


def _entries(job: ImportJob, uploads: Sequence[Upload], checks: Checks) -> Iterator[Entry]:
    try:
        yield from corrections.entries(job, uploads, checks)
    except UnreadableFile as error:
        corrections.forget(uploads)
        raise NotAllowed(in_words(error.message)) from None
    except corrections.TooMany:
        corrections.forget(uploads)
        most = formatting.customers(corrections.MOST_RECORDS)
        said = _("That is more than %(most)s. Load the files into a new import instead.")
        raise NotAllowed(said % {"most": most}) from None


def _send(
    request: HttpRequest, job: ImportJob, uploads: Sequence[Upload], reason: str
) -> HttpResponse:
    """Send what was agreed to: all of it or nothing."""
    checks, force = _checks(job), "force" in request.POST
    agreed = request.POST.get("preview", "")
    found = corrections.versions(_entries(job, uploads, checks), agreed, force=force)
    with transaction.atomic():
        new = retries.resubmit(
            job,
            customers.new_batches(found, job.batch_size, checks),
            reason=reason,
            actor=permissions.actor(request),
            force=force,
        )
        keep_rows(new, [each.where for each in uploads])
    queue.enqueue_on_commit(new.pk)
    corrections.forget(uploads)
    params = {"customers": formatting.customers(new.results.count()), "job": new.pk}
    messages.success(
        request, _("Corrected and sent again: %(customers)s, in job %(job)s.") % params
    )
    return to_tab(new, "progress")


def _checks(job: ImportJob) -> Checks:
    return checks_of(CustomerApi.objects.defer(*SECRETS).get(jobs=job))


def _show(
    request: HttpRequest, job: ImportJob, preview: CorrectionPreview, token: str, *,
    has_changed: bool, needs_reason: bool,
) -> HttpResponse:  # fmt: skip

    shown = page.page_context(request, job, TAB) | {
        "preview": preview,
        "token": token,
        "row_outcomes": [
            _outcome_summary(preview, row_outcome)
            for row_outcome in ROW_OUTCOMES
            if preview.counts[row_outcome]
        ],
        "total": preview.counts.total(),
        "sent": preview.sent,
        "reason": request.POST.get("reason", ""),
        "force": "force" in request.POST,
        "has_changed": has_changed,
        "needs_reason": needs_reason,
    }
    status = 409 if has_changed else 422 if needs_reason else 200
    return render(request, "imports/job/corrected.html", shown, status=status)


def _outcome_summary(preview: CorrectionPreview, row_outcome: RowOutcome) -> dict[str, Any]:
    what, remedy = ROW_OUTCOMES[row_outcome]
    examples = preview.examples[row_outcome]
    return {
        "row_outcome": row_outcome.value,
        "count": preview.counts[row_outcome],
        "what": what,
        "remedy": remedy,
        "is_obstacle": row_outcome in OBSTACLES,
        "is_sent": row_outcome in GO_OUT,
        "examples": examples,
        "more": preview.counts[row_outcome] - len(examples),
        "changes": [(each, _change(each)) for each in examples[:5] if row_outcome in GO_OUT],
    }


def _change(entry: Entry) -> list[formatting.Row]:
    if max(len(entry.before), len(entry.record.raw)) > MOST_COMPARED:
        return []
    return formatting.diff(editable(entry.before), editable(entry.record.raw)) or []


FILES_SHOWN = 100


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The directories, newest first, and the files of the newest."""
    length = Func("result_ids", function="cardinality", output_field=IntegerField())
    files = RetryFile.objects.filter(job=job).annotate(records=length)
    found = list(
        files.values("directory")
        .annotate(
            first=Min("pk"),
            n=Count("pk"),
            all_records=Sum("records", filter=Q(rows=False), default=0),
            written_at=Max("written_at"),
        )
        .order_by("-first")[:20]
    )
    newest = found[0]["directory"] if found else ""
    return {
        "directories": [each | _place(each["directory"]) for each in found],
        "trouble": _trouble(job),
        "nothing_waits": not found and _nothing_waits(job),
        "files": files.filter(directory=newest).defer("result_ids").order_by("name")[:FILES_SHOWN],
    }


def _trouble(job: ImportJob) -> dict[str, Any] | None:
    """Why the files could not be written, and when it is tried again."""
    if not job.retry_files_error:
        return None
    return {
        "place": retry_directory.place(),
        "why": retry_directory.reason(job.retry_files_error),
        "next_at": job.retry_files_due_at,
    }


def _nothing_waits(job: ImportJob) -> bool:
    """Whether the job has ended and leaves nothing that a retry file could hold."""
    return job.status in ENDED_JOBS and not retry_directory.is_needed(job)


def _place(directory: str) -> dict[str, Any]:
    return {"name": Path(directory).name, "exists": _is_there(directory)}


def _is_there(directory: str) -> bool:
    """Whether the directory may be handed out, and is there."""
    if not stored.is_stored(directory):
        return _is_ours(Path(directory)) and Path(directory).is_dir()
    try:
        return stored.exists(f"{directory}/{SUMMARY}")
    except OSError:
        return False


def _is_ours(path: Path) -> bool:
    """Whether a directory is one of those that this installation writes and may hand out."""
    parent = Path(settings.RETRY_FILES_DIR).resolve()
    return path.resolve().parent == parent


def download(request: HttpRequest, job: ImportJob) -> StreamingHttpResponse:
    """One directory as a ZIP, streamed. Named by a file's id; no path comes from the request."""
    pk = formatting.whole_number(request.GET.get("of", "")) or 0
    file = RetryFile.objects.filter(job=job, pk=pk).only("directory").first()
    if file is None:
        raise Http404
    directory = Path(file.directory)
    if not _is_there(file.directory):
        raise NotAllowed(
            _("This directory no longer exists. Regenerate the files, then download them.")
        )
    known = RetryFile.objects.filter(job=job, directory=file.directory).order_by("name")
    names = [SUMMARY, INSTRUCTIONS, *known.values_list("name", flat=True)]
    response = StreamingHttpResponse(_zipped(directory, names), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{directory.name}.zip"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def view(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """One file of a directory, to read in the page."""
    file, name = _named(request, job)
    pieces: list[bytes] = []
    for piece in stored.pieces(str(Path(file.directory) / name)):
        pieces.append(piece)
        if sum(map(len, pieces)) > formatting.LONGEST_SHOWN:
            break
    text = b"".join(pieces)[: formatting.LONGEST_SHOWN].decode("utf-8", "replace")
    shown = page.page_context(request, job, TAB) | {
        "name": name,
        "file": file,
        "text": text,
        "is_cut": sum(map(len, pieces)) > formatting.LONGEST_SHOWN,
    }
    return render(request, "imports/job/retry_file.html", shown)


def one(request: HttpRequest, job: ImportJob) -> StreamingHttpResponse:
    """The same as a download, byte for byte."""
    file, name = _named(request, job)
    pieces = stored.pieces(str(Path(file.directory) / name))
    response = StreamingHttpResponse(pieces, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _named(request: HttpRequest, job: ImportJob) -> tuple[RetryFile, str]:
    """The file of that id, or the summary or instructions beside it; no path is in a request."""
    pk = formatting.whole_number(request.GET.get("of", "")) or 0
    file = RetryFile.objects.filter(job=job, pk=pk).only("directory", "name").first()
    if file is None:
        raise Http404
    names = {"summary": SUMMARY, "instructions": INSTRUCTIONS}
    name = names.get(request.GET.get("part", ""), file.name)
    path = Path(file.directory) / name
    if not _is_there(file.directory) or path.is_symlink() or not stored.exists(str(path)):
        raise NotAllowed(_("This file no longer exists. Regenerate the files."))
    return file, name


def _zipped(directory: Path, names: list[str]) -> Iterator[bytes]:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            path = directory / name
            if path.is_symlink() or not stored.exists(str(path)):
                continue
            with archive.open(f"{directory.name}/{name}", "w") as target:
                for piece in stored.pieces(str(path)):
                    target.write(piece)
                    yield pipe.taken()
    yield pipe.taken()


def write(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Write the files anew from the ledger: what waits by now, in a new directory."""
    try:
        directory = job_types.get(job.kind).write_retry_files(job, retry_directory.home())
    except OSError as error:
        why = retry_directory.reason(retry_directory.code_of(error))
        params = {"place": retry_directory.place(), "why": why}
        raise NotAllowed(_("Redrive cannot write to %(place)s: %(why)s.") % params) from error
    if directory is None:
        messages.info(
            request, _("No files were written: nothing is left to retry, look up or correct.")
        )
    else:
        params = {"directory": directory.name}
        messages.success(request, _("The retry files are in %(directory)s.") % params)
    return to_tab(job, "retry-files")


def load(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Load the newest retry files, or one of them, into a new draft and show its files."""
    only = formatting.whole_number(request.POST.get("file", ""))
    draft = drafts.load_retry_files(job, permissions.actor(request), only)
    messages.success(
        request, _("The retry files are loaded. Fix what was wrong, then press Start.")
    )
    return to_tab(draft, page.of(draft.kind).tabs[0].slug)


def _count(job: ImportJob, job_totals: Totals) -> int | None:
    return RetryFile.objects.filter(job=job, directory=job.retry_directory).count() or None


TAB = page.Tab(
    slug="retry-files",
    label=gettext_lazy("Retry files"),
    icon="folder_zip",
    template="imports/job/retry_files.html",
    context=context,
    count=_count,
    acts={
        "zip": page.Action(download, permissions.EXPORT, methods=("GET",)),
        "view": page.Action(view, permissions.EXPORT, methods=("GET",)),
        "file": page.Action(one, permissions.EXPORT, methods=("GET",)),
        "write": page.Action(write, permissions.RETRY),
        "load": page.Action(load, permissions.RETRY),
        "upload": page.Action(upload, permissions.RETRY),
        "corrected": page.Action(corrected, permissions.RETRY, methods=("GET", "POST")),
    },
)
