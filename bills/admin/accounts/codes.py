"""One-time codes that running attempts wait for: who is asked, and the box to type them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from bills.accounts import codes
from bills.admin import common as own
from bills.admin.accounts.forms import CodeForm
from bills.models import CodeRequest, Credential
from imports.admin import permissions
from imports.admin.job.page import tab_url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that can still be answered. `left` is a clock: "4:12"."""

    request: CodeRequest
    left: str


def with_time_left(requests: Iterable[CodeRequest]) -> list[Wanted]:
    """Each with how long the browser still waits for it."""
    return [Wanted(each, clock_until(each.expires_at)) for each in requests]


def clock_until(at: datetime | None) -> str:
    """How long it is until then: "4:12"."""
    return clock((at - timezone.now()).total_seconds()) if at else clock(0)


def clock(seconds: float) -> str:
    """Minutes and seconds: "4:12"."""
    left = max(0, int(seconds))
    return f"{left // 60}:{left % 60:02}"


def enter_code(request: HttpRequest, pk: int) -> HttpResponse:
    """The page on which a code is typed. It goes to the browser that waits, and nowhere else."""
    permissions.require(request, own.MANAGE_CREDENTIALS)
    known = CodeRequest.objects.select_related("batch__job").defer("code", "batch__body")
    row = get_object_or_404(known, pk=pk)
    waiting = codes.wanted().filter(pk=pk).first()
    form = CodeForm(request.POST or None)
    if request.method == "POST" and waiting is not None and form.is_valid():
        if codes.give(pk, form.cleaned_data["code"], permissions.actor(request)):
            messages.success(request, _("The code is handed over: the browser goes on."))
            return redirect(tab_url(row.batch.job_id, "credentials"))
        waiting = None
    shown: dict[str, Any] = {
        **admin.site.each_context(request),
        "opts": Credential._meta,
        "title": _("One-time code"),
        "form": CodeForm() if form.is_bound and not form.errors else form,
        "wanted": with_time_left([waiting])[0] if waiting is not None else None,
        "row": row,
        "job": row.batch.job,
    }
    return render(request, "bills/accounts/code.html", shown, status=422 if form.errors else 200)
