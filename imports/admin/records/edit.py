"""Fix and send again: a failed customer in an editor, checked, compared, sent as a new version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from imports.admin import formatting, permissions
from imports.admin.formatting import editable
from imports.admin.records import history
from imports.customers import corrections
from imports.customers.api.setup import checks_of
from imports.customers.record_editor import Correction, is_same, judge
from imports.engine import queue
from imports.ledger import retries
from imports.ledger.batches import bytes_of
from imports.ledger.known_before import later_imports
from imports.ledger.retries import Overtaken, correctable, resubmit
from imports.models import CustomerApi, ImportResult, JobEvent
from imports.models.apis import SECRETS
from imports.states import EventCode, ResultStatus

if TYPE_CHECKING:
    from imports.customers.files.limits import Checks

CHANGED = (EventCode.CORRECTED, EventCode.CREATED)  # the event that says who made a retry


@dataclass(slots=True)
class EditState:
    """What lies on the table: the version that failed last, what is written, what is wrong."""

    opened: ImportResult  # what the page was opened with
    latest: ImportResult  # the same, or what somebody has sent since
    checks: Checks
    old: str
    correction: Correction
    reason: str = ""
    is_confirmed: bool = False

    @property
    def is_overtaken(self) -> bool:
        return self.opened.pk != self.latest.pk

    @property
    def is_correctable(self) -> bool:
        return correctable(ImportResult.objects.filter(pk=self.latest.pk)).exists()

    @property
    def is_unchanged(self) -> bool:
        return is_same(self.old, self.correction.text)

    @property
    def changes_id(self) -> bool:
        """Whether it would be another customer. One that had no id yet gets one."""
        return bool(
            self.opened.key and self.correction.key and self.correction.key != self.opened.key
        )

    @property
    def can_be_sent(self) -> bool:
        mistaken = self.correction.mistake or self.is_unchanged or self.is_overtaken
        return not mistaken and bool(self.reason) and (self.is_confirmed or not self.changes_id)


def view(request: HttpRequest, pk: int) -> HttpResponse:
    """The editor; a POST sends what was written, or shows it again with what is wrong."""
    edit = _edit_state(request, pk)
    if request.method == "POST":
        return _send(request, edit)
    why_not = reason_against(edit.latest)
    if edit.is_overtaken or why_not:
        messages.info(
            request, why_not or _("It has been sent again since. This is its latest version.")
        )
        page = "admin:imports_importresult_change" if why_not else "admin:imports_fix"
        return redirect(page, edit.latest.pk)
    return render(request, "imports/fix/page.html", _context(request, edit))


def check(request: HttpRequest, pk: int) -> HttpResponse:
    """What is wrong with what is written by now, and how it differs, for the open page."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    edit = _edit_state(request, pk)
    return render(request, "imports/fix/checked.html", _summary(edit))


def _edit_state(request: HttpRequest, pk: int) -> EditState:
    if not permissions.may(request, "imports.view_importresult", permissions.RETRY):
        raise PermissionDenied
    opened = get_object_or_404(ImportResult.objects.select_related("job__root"), pk=pk)
    if opened.job.api_id is None:
        raise Http404  # only customers are bytes that can be written anew
    rows = ImportResult.objects.select_related("batch").defer("batch__body")
    latest = rows.get(pk=history.lineages([pk])[0][-1])
    checks = checks_of(CustomerApi.objects.defer(*SECRETS).get(pk=opened.job.api_id))
    old = editable(bytes_of([latest.pk])[latest.pk])
    written = request.POST.get("record", old)
    return EditState(
        opened=opened,
        latest=latest,
        checks=checks,
        old=old,
        correction=judge(written, checks),
        reason=request.POST.get("reason", "").strip(),
        is_confirmed="confirm_id" in request.POST,
    )


def reason_against(result: ImportResult) -> str:
    """Why this one cannot be put right, with what can be done; "" if it can."""
    match result.status:
        case ResultStatus.SUCCESS:
            return _("It was imported, so there is nothing to fix.")
        case ResultStatus.PENDING:
            return _("It is being sent. Wait for the outcome.")
        case ResultStatus.UNKNOWN:
            return _("It may have arrived. Look it up and resolve it first.")
        case ResultStatus.EXCLUDED if result.batch_id is not None:
            return _("A person excluded it, so it is not sent.")
    return ""


def _send(request: HttpRequest, edit: EditState) -> HttpResponse:
    if not edit.can_be_sent:
        shown = _context(request, edit) | {"was_sent": True}
        status = 409 if edit.is_overtaken else 422
        return render(request, "imports/fix/page.html", shown, status=status)
    right = edit.correction
    version = corrections.of_text(right.raw, right.key, right.email, edit.latest)
    new_batches = corrections.new_batches([version], 1, edit.checks)
    actor = permissions.actor(request)
    job = edit.opened.job
    try:
        new = resubmit(job, new_batches, reason=edit.reason, actor=actor)
    except Overtaken:  # at this very moment
        shown = _context(request, _edit_state(request, edit.opened.pk)) | {"was_sent": True}
        return render(request, "imports/fix/page.html", shown, status=409)
    queue.enqueue_on_commit(new.pk)
    params = {"name": right.key, "job": new.pk}
    messages.success(
        request, _("%(name)s was corrected and is sent again in job %(job)s.") % params
    )
    following = _next_failed(edit)
    if following:
        shown = {"result": following}
        messages.info(request, render_to_string("imports/messages/next_failed.html", shown))
    return redirect("admin:imports_importresult_change", new.results.get().pk)


def _next_failed(edit: EditState) -> ImportResult | None:
    """The next customer of the same import that failed and waits; the first after the last."""
    job = edit.opened.job.first
    waiting = retries.waiting(job).order_by("pk")
    return waiting.filter(pk__gt=edit.latest.pk).first() or waiting.first()


def _context(request: HttpRequest, edit: EditState) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "opts": ImportResult._meta,
        "original": edit.opened,
        "title": _("Fix %(name)s") % {"name": edit.opened},
        "later": later_imports([edit.latest.pk]).get(edit.latest.pk),
        **_summary(edit),
    }


def _summary(edit: EditState) -> dict[str, Any]:
    """What the page says of what is written."""
    text = edit.correction.text
    compared = text if edit.correction.mistake else editable(text.encode())
    return {
        "edit": edit,
        "correction": edit.correction,
        "lines": range(1, text.count("\n") + 2),
        "rows": formatting.diff(edit.old, compared),
        "sent_by": _who_sent(edit) if edit.is_overtaken else None,
    }


def _who_sent(edit: EditState) -> JobEvent | None:
    """Who was first, with the version that came after the one that was opened."""
    events = JobEvent.objects.filter(job=edit.latest.job_id, code__in=CHANGED)
    return events.order_by("pk").first()
