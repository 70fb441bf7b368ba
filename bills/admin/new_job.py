"""A new job of bills: choose a portal and a CSV, look at what was read, confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bills.admin import permissions as own
from bills.admin import words
from bills.credentials import CredentialRow, UnreadableCsv, preview, read_credentials
from bills.drafts import new_draft_of_content, on_disk
from bills.forms import NewBillsForm
from bills.models import Credential, CsvUpload, Portal
from bills.models.credentials import account_of
from imports.admin import permissions
from imports.admin.addresses import to_tab
from imports.fields import cipher
from imports.models import ImportJob

if TYPE_CHECKING:
    from pathlib import Path

    from django.contrib.auth.models import User
    from django.http import HttpRequest, HttpResponse

    from bills.credentials import Preview

COMPARED = 5_000  # rows of a file that are held against what is stored


def upload(request: HttpRequest) -> HttpResponse:
    """Portal and CSV. The file is kept encrypted until it is confirmed, an hour at most."""
    permissions.require(request, *own.NEW_JOB)
    form = NewBillsForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["csv"]
        kept = CsvUpload.objects.create(
            portal=form.cleaned_data["portal"],
            name=(file.name or "credentials.csv")[:500],
            content=cipher().encrypt(file.read()),
            uploaded_by=_user(request),
        )
        return redirect("admin:bills_preview", kept.pk)
    shown = _around(request, _("New bill download")) | {
        "form": form,
        "has_portals": Portal.objects.exists(),
    }
    return render(request, "bills/new_job.html", shown, status=422 if form.errors else 200)


def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """What was read; on POST a draft is made of it, or the file is forgotten."""
    permissions.require(request, *own.NEW_JOB)
    mine = CsvUpload.objects.filter(uploaded_by=_user(request)).select_related("portal")
    kept = get_object_or_404(mine, pk=pk)
    if request.method == "POST":
        return _decided(request, kept)
    shown = _around(request, kept.name) | {"upload": kept}
    content = cipher().decrypt(bytes(kept.content))
    try:
        with on_disk(content) as path:
            found = preview(path, kept.name)
            differing = _differing(kept.portal, path, kept.name)
    except UnreadableCsv as refusal:
        return render(request, "bills/preview.html", shown | {"refusal": str(refusal)}, status=422)
    shown |= {"found": found, "known": differing[0], "differing": differing[1]}
    return render(request, "bills/preview.html", shown | _told(found))


def _told(found: Preview) -> dict[str, Any]:
    return {"accepted": words.credentials(found.accepted), "can_confirm": found.accepted > 0}


def _decided(request: HttpRequest, kept: CsvUpload) -> HttpResponse:
    if "forget" in request.POST:
        kept.delete()
        messages.success(request, _("Nothing was stored: the file is forgotten."))
        return redirect("admin:bills_new")
    content = cipher().decrypt(bytes(kept.content))
    try:
        draft = new_draft_of_content(
            kept.portal,
            content,
            kept.name,
            request.POST.get("name", "").strip(),
            permissions.actor(request),
        )
    except UnreadableCsv as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:bills_preview", kept.pk)
    kept.delete()
    ImportJob.objects.filter(pk=draft.job.pk).update(created_by=request.user)
    text = ngettext(
        "%(credentials)s is ready: look it over, then press Start.",
        "%(credentials)s are ready: look them over, then press Start.",
        draft.accepted,
    )
    messages.success(request, text % {"credentials": words.credentials(draft.accepted)})
    return to_tab(draft.job, "credentials")


def _differing(portal: Portal, path: Path, name: str) -> tuple[int, int]:
    """How many accounts of the file are known, and how many of those have another password."""
    entered = {}
    for row in read_credentials(path, name):
        if isinstance(row, CredentialRow):
            entered[account_of(row.email)] = row.password
        if len(entered) >= COMPARED:
            break
    known = Credential.objects.filter(portal=portal, account__in=entered)
    stored = dict(known.values_list("account", "password"))
    return len(stored), sum(stored[each] != entered[each] for each in stored)


def _user(request: HttpRequest) -> User:
    """Whoever is logged in: the admin lets nobody else come here."""
    return cast("User", request.user)


def _around(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "opts": ImportJob._meta, "title": title}
