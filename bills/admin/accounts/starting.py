"""Starts jobs of stored accounts, and says what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bills.accounts import runs
from bills.admin import common as own
from imports.admin import permissions
from imports.admin.formatting import number
from imports.admin.job.page import to_tab

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

RUN_ACCOUNTS = (own.MANAGE_CREDENTIALS, permissions.START)


def run(request: HttpRequest, accounts: list[int], name: str = "") -> HttpResponse | None:
    """Start the jobs, say what is in them, and show the job if it is one."""
    started = runs.run_again(accounts, name or _("by hand"), permissions.actor(request))
    if started.accounts:
        text = ngettext(
            "Started with %(n)s account.", "Started with %(n)s accounts.", started.accounts
        )
        messages.success(request, text % {"n": number(started.accounts)})
    if started.resting:
        text = ngettext(
            "%(n)s account is left out: it is paused, or a person must act first.",
            "%(n)s accounts are left out: they are paused, or a person must act first.",
            started.resting,
        )
        messages.warning(request, text % {"n": number(started.resting)})
    if started.busy:
        text = ngettext(
            "%(n)s account is left out: another job is still at it.",
            "%(n)s accounts are left out: another job is still at them.",
            started.busy,
        )
        messages.warning(request, text % {"n": number(started.busy)})
    return to_tab(started.jobs[0], "credentials") if len(started.jobs) == 1 else None
