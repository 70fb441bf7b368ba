"""Accounts as CSVs: taken in, with passwords, and given out, never with any secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from bills.accounts import states
from bills.accounts.upload import take
from bills.admin import common as own
from bills.admin.accounts.forms import AccountsCsvForm
from bills.admin.accounts.summary import with_summary
from bills.csv.reader import UnreadableCsv
from bills.drafts import on_disk
from bills.models import Credential
from imports.admin import permissions
from imports.exports import csv_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

HEADER = (
    "portal", "email", "customer", "group", "state", "code", "contracts", "last_success",
    "next_run",
)  # fmt: skip
REFUSED_SHOWN = 200


def upload(request: HttpRequest) -> HttpResponse:
    """Add and change accounts by a CSV; what was not taken is named, without its values."""
    permissions.require(request, own.MANAGE_CREDENTIALS)
    form = AccountsCsvForm(request.POST or None, request.FILES or None)
    shown: dict[str, Any] = {
        **admin.site.each_context(request),
        "opts": Credential._meta,
        "title": _("Accounts from a CSV"),
        "form": form,
    }
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["csv"]
        try:
            with on_disk(file.read()) as path:
                taken = take(path, file.name or "accounts.csv", form.cleaned_data["portal"])
        except UnreadableCsv as refusal:
            form.add_error("csv", str(refusal))
        else:
            shown |= {"taken": taken, "refused": taken.refused[:REFUSED_SHOWN]}
    return render(request, "bills/accounts/upload.html", shown, status=422 if form.errors else 200)


def export(request: HttpRequest) -> StreamingHttpResponse:
    """All accounts, to be corrected and taken in again. No secret is in it."""
    permissions.require(request, own.MANAGE_CREDENTIALS, permissions.EXPORT)
    response = StreamingHttpResponse(_content(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="accounts.csv"'
    return response


def _content() -> Iterator[bytes]:
    extras = _extra_columns()
    yield from csv_rows([*HEADER, *extras], _rows(extras))


def _extra_columns() -> list[str]:
    """The further columns of all accounts, but for those that have a place of their own."""
    found: dict[str, None] = {}
    for extra in Credential.objects.in_use().values_list("extra", flat=True).iterator():
        found.update(dict.fromkeys(extra))
    return [name for name in found if name.casefold() not in HEADER]


def _rows(extras: list[str]) -> Iterator[list[object]]:
    for row in with_summary(Credential.objects.in_use()).iterator(chunk_size=1000):
        state, contracts = states.state_of(row), getattr(row, "contracts", None) or ()
        yield [
            row.portal.name, row.email, row.customer, row.group, str(state.words),
            row.stop_code or row.last_code, ", ".join(contracts), row.last_success_at,
            getattr(row, "next_run", None), *(row.extra.get(name, "") for name in extras),
        ]  # fmt: skip
