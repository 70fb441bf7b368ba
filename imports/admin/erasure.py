"""The page that finds one person everywhere and erases what may be erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports.admin import permissions
from imports.models import ImportResult
from imports.retention import erasure

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrOrPromise

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
    erasure.UNDER_WAY: gettext_lazy(
        "Stays: it is still being sent. Wait until its job has ended."
    ),
    erasure.UNRESOLVED: gettext_lazy(
        "Stays: it failed, and nobody has decided. Retry or exclude it first."
    ),
    erasure.NOT_OURS: gettext_lazy("Stays: this file is yours. Delete it yourself."),
}


def view(request: HttpRequest) -> HttpResponse:
    """GET finds; POST erases, and shows what stays."""
    permissions.require(request, permissions.ERASE)
    is_post = request.method == "POST"
    person = (request.POST if is_post else request.GET).get("person", "").strip()
    found, is_done = [], False
    if person and is_post:
        try:
            found, is_done = erasure.erase(person, permissions.actor(request)), True
        except OSError as error:
            said = _("The storage does not answer (%(why)s). Erase again: what is left is found.")
            messages.error(request, said % {"why": error.strerror or type(error).__name__})
    if person and not is_done:
        found = erasure.find(person)
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
