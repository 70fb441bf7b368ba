""" "Check everything": what starting a draft would come to, on its Files tab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import render
from django.utils.translation import gettext as _

from imports import dry_runs, error_codes, jobs
from imports.admin import permissions, words
from imports.admin.addresses import to_tab
from imports.ledger.moves import NotAllowed
from imports.models import DryRun
from imports.states import JobStatus

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from imports.error_codes import ErrorCode
    from imports.models import ImportJob

MOST_EXAMPLES = 1  # of a reason: the list of files has the others


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some records would be left out."""

    code: str
    count: int
    examples: list[dict[str, Any]]
    remedy: ErrorCode | None

    @property
    def count_told(self) -> str:
        """ "5 customers"."""
        return words.customers(self.count)

    @property
    def more(self) -> int:
        """How many are like the examples."""
        return self.count - len(self.examples)


def context(request: HttpRequest, job: ImportJob) -> dict[str, Any]:
    """The latest dry run, if there is one, and whether this person may ask for one."""
    run = DryRun.objects.filter(job=job).first()
    is_at_work = run is not None and run.finished_at is None
    return {
        "can_check": permissions.may(request, permissions.CHANGE) and not is_at_work,
        "checked": run,
        "is_checking": is_at_work,
        "is_outdated": run is not None and run.draft != dry_runs.digest(job),
        "no_worker_checks": is_at_work and jobs.worker_count() == 0,
        **(_told(run.forecast) if run and run.forecast else {}),
    }


def check(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """Check a draft at once, or, where that would keep her waiting, in the background."""
    try:
        dry_runs.ask(job, permissions.actor(request))
    except NotAllowed as refusal:
        messages.warning(request, str(refusal))
    else:
        if dry_runs.is_small(job):
            dry_runs.carry_out(job)
        else:
            jobs.ring_on_commit(job.pk)
    return checked(request, job) if request.headers.get("HX-Request") else to_tab(job, "files")


def checked(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """What was found, or how far it is: the part of the page."""
    shown: dict[str, Any] = {"job": job, "is_answer": True}
    if job.status == JobStatus.DRAFT:
        shown |= context(request, job)
    return render(request, "imports/job/parts/dry_run.html", shown)


def _told(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": _summary(found),
        "reasons": _reasons(found),
        "named_twice": words.customers(found["named_twice"]),
        "imported_before": words.customers(found["imported_before"]),
    }


def _summary(found: dict[str, Any]) -> str:
    names = {
        "customers": words.customers(found["customers"]),
        "files": words.files(found["files"]),
        "sent": words.number(found["would_send"]),
        "batches": words.batches(found["batches"]["total"]),
        "left_out": words.number(found["would_exclude"]),
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
