"""One person in every job: found by id or e-mail, and erased where that may be.

The search takes a customer id, an e-mail or the API's own id, and opens the record's page, or a
list of several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Q
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.dataclasses import SearchResult

from imports import retention
from imports.admin import permissions
from imports.admin.base import searched_by_record
from imports.admin.job import page
from imports.models import AssignedId, ImportResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrOrPromise

    from imports.admin.job.page import JobPage


SHORTEST_PREFIX = 3
MOST_ROWS = 1_000  # are read, in no order: who has more to choose from types more
MOST_FOUND = 50
ROWS_FOR_EACH = 10


@dataclass(frozen=True, slots=True)
class Found:
    """One customer or account, as its newest result tells it."""

    newest: ImportResult
    words: JobPage
    count: int  # of its results, as far as they were read


def is_record(term: str) -> Q:
    """Results of the record that is called exactly that."""
    return Q(key=term) | Q(email__in=searched_by_record(term)) | by_assigned_id(value=term)


def by_assigned_id(**which: str) -> Q:
    """Results of records to which the API gave such an id."""
    return Q(pk__in=AssignedId.objects.filter(**which).values("result"))


def find(request: HttpRequest) -> HttpResponse:
    """The search page; with one match, straight on to the record's own."""
    term = request.GET.get("q", "").strip()
    exact = grouped(_rows(is_record(term))) if term else []
    if len(exact) == 1:
        return redirect("admin:imports_importresult_change", exact[0].newest.pk)
    found = exact or starting_with(term)
    shown = {
        **admin.site.each_context(request),
        "opts": ImportResult._meta,
        "title": _("Find a record"),
        "term": term,
        "found": found[:MOST_FOUND],
        "there_are_more": len(found) > MOST_FOUND,
        "is_exact": bool(exact),
        "is_too_short": 0 < len(term) < SHORTEST_PREFIX and not exact,
    }
    return render(request, "imports/find.html", shown)


def command(request: HttpRequest, term: str) -> list[SearchResult]:
    """What Ctrl+K offers besides the pages: this search, for what was typed."""
    if not request.user.has_perm("imports.view_importresult"):
        return []
    typed = request.GET.get("s", "").strip()  # `term` is in lower case; ids are not
    link = f"{reverse('admin:imports_find')}?{urlencode({'q': typed})}"
    title = _("Find “%(term)s”") % {"term": typed}
    what = _("Everything that happened to this customer or account, in every job")
    return [SearchResult(title=title, description=what, link=link, icon="person_search")]


def starting_with(term: str) -> list[Found]:
    """The records whose id or e-mail starts with `term`: two queries with a limit on rows."""
    if len(term) < SHORTEST_PREFIX:
        return []
    most = ROWS_FOR_EACH * (MOST_FOUND + 1)
    spellings = searched_by_record(term)
    emails = Q()
    for spelling in spellings:
        emails |= Q(email__startswith=spelling)
    rows = _rows(Q(key__startswith=term), most) + _rows(emails & ~Q(email=""), most)
    rows += _rows(by_assigned_id(value__startswith=term), most)
    return grouped({row.pk: row for row in rows}.values())


def _rows(which: Q, most: int = MOST_ROWS) -> list[ImportResult]:
    columns = "key", "email", "status", "error_code", "message", "updated_at"
    rows = ImportResult.objects.filter(which).order_by().select_related("job")
    return list(rows.only(*columns, "job__kind", "job__name")[:most])


def grouped(rows: Iterable[ImportResult]) -> list[Found]:
    """One for each customer or account, the one that changed last first."""
    groups: dict[tuple[str, str], list[ImportResult]] = {}
    for row in rows:
        groups.setdefault((row.job.kind, row.key or row.email), []).append(row)
    found = [
        Found(max(each, key=_age), page.of(kind), len(each))
        for (kind, _name), each in groups.items()
    ]
    return sorted(found, key=lambda one: _age(one.newest), reverse=True)


def _age(row: ImportResult) -> Any:
    return row.pk


KINDS: dict[str, _StrOrPromise] = {
    "results": gettext_lazy("Records"),
    "credentials": gettext_lazy("Credentials"),
    "bills": gettext_lazy("Bills"),
    "evidence": gettext_lazy("Evidence of failed attempts"),
    "csv_uploads": gettext_lazy("CSV files in preview"),
    "uploads": gettext_lazy("Uploaded files"),
    "files": gettext_lazy("Files on a disk of yours"),
    "retry_directories": gettext_lazy("Retry directories"),
    "texts": gettext_lazy("Texts that name the person"),
}
REASONS: dict[str, _StrOrPromise] = {
    retention.UNDER_WAY: gettext_lazy(
        "Stays: it is still being sent. Wait until its job has ended."
    ),
    retention.UNRESOLVED: gettext_lazy(
        "Stays: it failed, and nobody has decided. Retry or exclude it first."
    ),
    retention.NOT_OURS: gettext_lazy("Stays: this file is yours. Delete it yourself."),
}


def erase(request: HttpRequest) -> HttpResponse:
    """GET finds; POST erases, and shows what stays."""
    permissions.require(request, permissions.ERASE)
    is_post = request.method == "POST"
    person = (request.POST if is_post else request.GET).get("person", "").strip()
    found, is_done = [], False
    if person and is_post:
        try:
            found, is_done = retention.erase(person, permissions.actor(request)), True
        except OSError as error:
            said = _("The storage does not answer (%(why)s). Erase again: what is left is found.")
            messages.error(request, said % {"why": error.strerror or type(error).__name__})
    if person and not is_done:
        found = retention.find(person)
    shown = {
        **admin.site.each_context(request),
        "opts": ImportResult._meta,
        "title": _("Erase a person"),
        "person": person,
        "is_done": is_done,
        "can_erase": any(not each.stays_because for each in found),
        "found": [
            {
                "what": KINDS.get(each.what.partition(" ")[0], each.what),
                "count": each.count,
                "where": each.where,
                "why": REASONS.get(each.stays_because, ""),
            }
            for each in found
        ],
    }
    return render(request, "imports/erase.html", shown)
