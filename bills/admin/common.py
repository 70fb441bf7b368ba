"""What the pages of bills share: permissions, counts and stages in words, an account's attempts,
and the start of runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bills import error_codes, schedules
from bills.browser.report import Stage, brought
from bills.models import Evidence, Portal
from bills.portals.lists.reading import Other
from imports.admin import permissions
from imports.admin.formatting import number
from imports.admin.job.page import FieldWords, to_tab
from imports.admin.permissions import ADD, WORDS
from imports.models import Attempt
from imports.models.jobs import Rollout

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrOrPromise

    from bills.models import Credential
    from imports.error_codes import ErrorCode
    from imports.messages import Message
    from imports.models import ImportResult


VIEW_BILL = "bills.view_bill"
VIEW_PORTAL = "bills.view_portal"
MANAGE_PORTALS = "bills.manage_portals"
MANAGE_CREDENTIALS = "bills.manage_credentials"
VIEW_DELIVERY = "bills.view_billdelivery"
VIEW_DESTINATION = "bills.view_destination"
MANAGE_DESTINATIONS = "bills.manage_destinations"
VIEW_SCHEDULE = "bills.view_schedule"
MANAGE_SCHEDULES = "bills.manage_schedules"
NEW_JOB = (ADD, MANAGE_CREDENTIALS)  # its CSV is stored as credentials
TEST_PORTAL = (MANAGE_PORTALS, MANAGE_CREDENTIALS)  # a password may be entered for it

WORDS.update(
    {
        VIEW_BILL: _("See bills"),
        VIEW_PORTAL: _("See portals"),
        MANAGE_PORTALS: _("Manage portals"),
        VIEW_DELIVERY: _("See deliveries of bills"),
        VIEW_DESTINATION: _("See destinations, without their secrets"),
        MANAGE_DESTINATIONS: _("Say where bills are delivered"),
        MANAGE_CREDENTIALS: _("Manage accounts: upload credentials, enter passwords and codes"),
        VIEW_SCHEDULE: _("See schedules"),
        MANAGE_SCHEDULES: _("Manage schedules"),
    }
)


STAGES: dict[str, _StrOrPromise] = {
    Stage.OPEN: _("opening the login page"),
    Stage.LOGIN: _("logging in"),
    Stage.JUDGE: _("waiting for the portal’s answer"),
    Stage.CODE: _("waiting for a one-time code"),
    Stage.LIST: _("listing the bills"),
    Stage.DOWNLOAD: _("downloading"),
    Stage.DONE: _("done"),
}
# Why a row of a list is no bill to fetch.
OTHER_ROWS: dict[str, _StrOrPromise] = {
    Other.NOT_OURS: _("of other accounts"),
    Other.OLDER: _("older than asked for"),
    Other.PAYMENT: _("payments"),
    Other.NO_DOCUMENT: _("without a document"),
    Other.NOT_A_BILL: _("not bills"),
    Other.REPEATED: _("duplicates"),
}
OF_SETTINGS = {
    "concurrency": FieldWords(_("Logins at once"), _("Over all workers.")),
    "delay_seconds": FieldWords(
        _("Delay between logins (s)"), _("Between any two logins to this portal.")
    ),
    "timeout_seconds": FieldWords(
        help_text=_("From the login page to the last bill. Then the attempt ends.")
    ),
    "max_attempts": FieldWords(help_text=_("For each account, the first attempt included.")),
    "retry_delay_seconds": FieldWords(help_text=_("Before each further attempt of an account.")),
    "rollout": FieldWords(
        help_text=_(
            "One account: Redrive tries it, then waits for you. Ramp up: each stage waits for the "
            "one before, and the job stops if a whole stage fails."
        ),
        choices={Rollout.ONE: _("One account, then ask me")},
    ),
}


def user(request: HttpRequest) -> User:
    """Whoever is logged in: the admin lets nobody else come here."""
    return cast("User", request.user)


def around_portal(request: HttpRequest, title: str) -> dict[str, Any]:
    """What the admin's frame needs around a page of a portal."""
    return {**admin.site.each_context(request), "opts": Portal._meta, "title": title}


def accounts_offered(accounts: QuerySet[Credential]) -> QuerySet[Credential, str]:
    """The names of the first, for the box that one of them is typed into."""
    return accounts.order_by("email").values_list("email", flat=True)[:100]


def accounts(count: int) -> str:
    """ "1,000 accounts"."""
    return ngettext("%(n)s account", "%(n)s accounts", count) % {"n": number(count)}


def attempts(count: int) -> str:
    """The seed's "X attempts"."""
    return ngettext("%(n)s attempt", "%(n)s attempts", count) % {"n": number(count)}


def bills(count: int) -> str:
    """ "3 bills"."""
    return ngettext("%(n)s bill", "%(n)s bills", count) % {"n": number(count)}


@dataclass(frozen=True, slots=True)
class ListRows:
    """What became of the rows of a list: seen = kept + known + the others + missing."""

    seen: int
    kept: int
    known: int
    missing: int
    others: list[tuple[_StrOrPromise, int]]


@dataclass(frozen=True, slots=True)
class Summary:
    """One attempt. `stages` are (what it did, seconds), in order."""

    attempt: Attempt
    stages: list[tuple[_StrOrPromise, float]]
    advice: ErrorCode | None
    evidence: list[Evidence]
    notes: list[Any]  # messages as JSON
    brought: Message | None
    rows: ListRows | None = None


def timeline(result: ImportResult) -> list[Summary]:
    """All attempts of this credential in this job, the first first. Two queries."""
    found = Evidence.objects.filter(batch=result.batch).defer("token").order_by("pk")
    by_number: dict[int, list[Evidence]] = {}
    for piece in found:
        by_number.setdefault(piece.attempt_number, []).append(piece)
    attempts = Attempt.objects.filter(batch=result.batch).order_by("number")
    attempts = attempts.select_related("batch").defer("batch__body")
    return [
        Summary(
            attempt=attempt,
            stages=stages_of(attempt.details),
            advice=error_codes.about(attempt.error_code),
            evidence=by_number.get(attempt.number, []),
            notes=list(attempt.details.get("notes", [])),
            brought=brought(attempt.details),
            rows=rows_of(attempt.details),
        )
        for attempt in attempts
    ]


def rows_of(details: dict[str, Any]) -> ListRows | None:
    """The counts of the list's rows; None where the list was not read."""
    rows = details.get("rows") or {}
    if not rows.get("seen"):
        return None
    others = [(OTHER_ROWS[name], count) for name, count in rows["others"].items()]
    return ListRows(rows["seen"], rows["kept"], rows["known"], rows["missing"], others)


def stages_of(details: dict[str, Any]) -> list[tuple[_StrOrPromise, float]]:
    """What an attempt did and for how long, in the order in which an attempt goes."""
    seconds = details.get("seconds", {})
    return [(STAGES[stage], seconds[stage]) for stage in STAGES if seconds.get(stage)]


RUN_ACCOUNTS = (MANAGE_CREDENTIALS, permissions.START)


def run_accounts(request: HttpRequest, accounts: list[int], name: str = "") -> HttpResponse | None:
    """Start the jobs, say what is in them, and show the job if it is one."""
    started = schedules.run_again(accounts, name or gettext("by hand"), permissions.actor(request))
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
