"""A corrected retry file into the same import: first what would happen, then, confirmed, done."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import jobs
from imports.admin import diffs, page, permissions, words
from imports.admin.addresses import act_url, to_tab
from imports.admin.pretty import editable
from imports.customers import corrected_files, corrections
from imports.customers import versions as customers
from imports.customers.corrections import GO_OUT, INSISTABLE, OBSTACLES, Fate
from imports.customers.setup import checks_of
from imports.customers.unreadable import UnreadableFile
from imports.forms.jobs import SECRETS
from imports.ledger import versions
from imports.ledger.moves import NotAllowed
from imports.models import CustomerApi
from imports.rendering import in_words
from imports.states import ENDED_JOBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrOrPromise

    from imports.customers.checks import Checks
    from imports.customers.corrections import Entry, Plan, Upload
    from imports.models import ImportJob

MOST_FILES = 200
CHANGES_SHOWN = 5
MOST_COMPARED = 100_000  # bytes
# What is said of each fate, in the order in which it is told.
TOLD: dict[Fate, tuple[_StrOrPromise, _StrOrPromise]] = {
    Fate.STRANGER: (
        gettext_lazy("Not in this import"),
        gettext_lazy("Correct the id in the file, or take the record out of it."),
    ),
    Fate.TWICE: (
        gettext_lazy("More often in the file than in the import"),
        gettext_lazy("Take all but one of them out of the file."),
    ),
    Fate.UNSENDABLE: (
        gettext_lazy("Cannot be sent as it stands"),
        gettext_lazy("Correct them in the file."),
    ),
    Fate.SENT: (
        gettext_lazy("Failed, and corrected here"),
        gettext_lazy("They go out as new versions. The versions that failed stay in the history."),
    ),
    Fate.CHANGED_ID: (
        gettext_lazy("Failed, and corrected here under another id"),
        gettext_lazy(
            "Matched by their place in the retry file, or by what is unchanged in them. Check "
            "that each is the same customer, then send: the history keeps both ids."
        ),
    ),
    Fate.SAME: (
        gettext_lazy("Failed, and not changed here"),
        gettext_lazy("They are left as they are. Retry failed sends them again unchanged."),
    ),
    Fate.LATER: (
        gettext_lazy("Imported later by another job, in a newer version"),
        gettext_lazy("They are not sent, unless you insist: they would replace that version."),
    ),
    Fate.IMPORTED: (
        gettext_lazy("Imported already"),
        gettext_lazy("They are not sent again, unless you insist."),
    ),
    Fate.UNKNOWN: (
        gettext_lazy("May have arrived"),
        gettext_lazy("Look them up and decide about them first; or insist."),
    ),
    Fate.LEFT_OUT: (
        gettext_lazy("Left out for good by a person"),
        gettext_lazy("They are not sent, unless you insist."),
    ),
    Fate.ON_ITS_WAY: (
        gettext_lazy("On the way already"),
        gettext_lazy("Wait until they are decided."),
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
    query = urlencode({"of": corrected_files.keep(job, chosen)})
    return redirect(f"{act_url(job.pk, 'retry-files', 'corrected')}?{query}")


def corrected(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """What would happen to each record; a POST makes it so, if it is still the same."""
    _refuse_others(job)
    token = request.POST.get("of", "") or request.GET.get("of", "")
    try:
        uploads = corrected_files.find(job, token)
    except corrected_files.Gone:
        raise NotAllowed(_("The file is not kept any more. Upload it again.")) from None
    reason = request.POST.get("reason", "").strip()
    has_changed = False
    if request.method == "POST" and reason:
        try:
            return _send(request, job, uploads, reason)
        except (versions.Overtaken, corrections.Changed):
            has_changed = True
    plan = corrections.plan(_entries(job, uploads, _checks(job)))
    needs_reason = request.method == "POST" and not reason
    return _show(request, job, plan, token, has_changed=has_changed, needs_reason=needs_reason)


def _refuse_others(job: ImportJob) -> None:
    if job.api_id is None or job.status not in ENDED_JOBS:
        raise NotAllowed(_("Corrected files are for customer imports that have ended."))


def _entries(job: ImportJob, uploads: Sequence[Upload], checks: Checks) -> Iterator[Entry]:
    try:
        yield from corrections.entries(job, uploads, checks)
    except UnreadableFile as error:
        corrected_files.forget(uploads)
        raise NotAllowed(in_words(error.message)) from None
    except corrections.TooMany:
        corrected_files.forget(uploads)
        most = words.customers(corrections.MOST_RECORDS)
        said = _("That is more than %(most)s. Load the files into a new import instead.")
        raise NotAllowed(said % {"most": most}) from None


def _send(
    request: HttpRequest, job: ImportJob, uploads: Sequence[Upload], reason: str
) -> HttpResponse:
    """Send what was agreed to: all of it or nothing."""
    checks, insists = _checks(job), "insists" in request.POST
    agreed = request.POST.get("plan", "")
    found = corrections.versions(_entries(job, uploads, checks), agreed, insists=insists)
    new = versions.resubmit(
        job,
        customers.parcels(found, job.batch_size, checks),
        reason=reason,
        actor=permissions.actor(request),
        insists=insists,
    )
    jobs.ring_on_commit(new.pk)
    corrected_files.forget(uploads)
    told = {"customers": words.customers(new.results.count()), "job": new.pk}
    messages.success(
        request, _("Corrected, and sent again: %(customers)s, in job %(job)s.") % told
    )
    return to_tab(new, "progress")


def _checks(job: ImportJob) -> Checks:
    return checks_of(CustomerApi.objects.defer(*SECRETS).get(jobs=job))


def _show(
    request: HttpRequest, job: ImportJob, plan: Plan, token: str, *,
    has_changed: bool, needs_reason: bool,
) -> HttpResponse:  # fmt: skip
    from imports.admin.retry_files import TAB

    shown = page.page_context(request, job, TAB) | {
        "plan": plan,
        "token": token,
        "fates": [_told(plan, fate) for fate in TOLD if plan.counts[fate]],
        "total": plan.counts.total(),
        "sent": plan.sent,
        "reason": request.POST.get("reason", ""),
        "insists": "insists" in request.POST,
        "has_changed": has_changed,
        "needs_reason": needs_reason,
    }
    status = 409 if has_changed else 422 if needs_reason else 200
    return render(request, "imports/job/corrected.html", shown, status=status)


def _told(plan: Plan, fate: Fate) -> dict[str, Any]:
    what, remedy = TOLD[fate]
    examples = plan.examples[fate]
    return {
        "fate": fate.value,
        "count": plan.counts[fate],
        "what": what,
        "remedy": remedy,
        "is_obstacle": fate in OBSTACLES,
        "is_sent": fate in GO_OUT,
        "is_insistable": fate in INSISTABLE,
        "examples": examples,
        "more": plan.counts[fate] - len(examples),
        "changes": [(each, _change(each)) for each in examples[:CHANGES_SHOWN] if fate in GO_OUT],
    }


def _change(entry: Entry) -> list[diffs.Row]:
    if max(len(entry.before), len(entry.record.raw)) > MOST_COMPARED:
        return []
    return diffs.diff(editable(entry.before), editable(entry.record.raw)) or []
