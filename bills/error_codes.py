"""What every code of a bill download means: the portals' own, and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from bills.csv.credentials import Refusal
from bills.portals.failures import MEANINGS, Code, Rule
from imports import error_codes
from imports.error_codes import ErrorCode, Next

if TYPE_CHECKING:
    from bills.portals.failures import Meaning

JOB_TYPE = "bills"
NEXT = {
    Rule.RETRY: Next.RETRIED,
    Rule.STOP: Next.STOPPED,
    Rule.DEFER: Next.LATER,
    Rule.PAUSE: Next.PAUSED,
}
OWN = {
    "FIRST_BATCH": ErrorCode(
        error_codes.Actor.OPERATOR,
        Next.PAUSED,
        _("The first account was tried."),
        _("Check it, then continue."),
    ),
    "ONE_CAUSE": ErrorCode(
        error_codes.Actor.OPERATOR,
        Next.PAUSED,
        _("Account after account failed for the same reason."),
        _("Fix the cause, then resume the job."),
    ),
    "WORKER_LOST": ErrorCode(
        error_codes.Actor.ADMIN,
        Next.RETRIED,
        _("The worker died before the attempt ended."),
        _("Retry. The account is not the cause."),
    ),
    "NOT_STORED": ErrorCode(
        error_codes.Actor.ADMIN,
        Next.RETRIED,
        _("The downloaded bills could not be stored."),
        _("Check the disk and the database, then retry."),
    ),
    "NO_PASSWORD": ErrorCode(
        error_codes.Actor.OPERATOR,
        Next.STOPPED,
        _("No password is stored for this account."),
        _("Enter the password, then retry. An account that was deleted has none."),
    ),
    "NO_BROWSER": ErrorCode(
        error_codes.Actor.ADMIN,
        Next.PAUSED,
        _("The worker has no browser."),
        _("Install Chromium on the worker's host, then resume."),
    ),
    "BAD_RECIPE": ErrorCode(
        error_codes.Actor.ADMIN,
        Next.PAUSED,
        _("The portal's recipe cannot be used."),
        _("Correct the portal's recipe, then resume."),
    ),
    "INTERNAL_ERROR": ErrorCode(
        error_codes.Actor.ADMIN,
        Next.STOPPED,
        _("Redrive itself failed."),
        _("See the worker's log, then retry."),
    ),
    "CANCELLED": ErrorCode(
        error_codes.Actor.OPERATOR,
        Next.STOPPED,
        _("The job was cancelled before this was tried."),
        _("Retry when you want it."),
    ),
    "NOT_ARRIVED": ErrorCode(
        error_codes.Actor.OPERATOR,
        Next.STOPPED,
        _("Somebody marked it as failed."),
        _("Retry it."),
    ),
}
ROW = ErrorCode(
    error_codes.Actor.OPERATOR,
    Next.LEFT_OUT,
    _("The row cannot be used."),
    _("Correct the row in the CSV and upload the file again."),
)


def register() -> None:
    """Called when the app is ready."""
    rows = {row_code(each): ROW for each in Refusal}
    portals = {str(code): _of_portal(MEANINGS[code]) for code in Code}
    error_codes.register(JOB_TYPE, OWN | rows | portals)


def row_code(refusal: Refusal) -> str:
    """The code of a refused row."""
    return f"ROW_{refusal.upper()}"


def _of_portal(meaning: Meaning) -> ErrorCode:
    actor = error_codes.Actor(meaning.actor)
    return ErrorCode(actor, NEXT[meaning.rule], _(meaning.sentence), _(meaning.remedy))


def about(code: str) -> ErrorCode | None:
    """The explanation of a code; None for an unknown one."""
    return error_codes.about(code, JOB_TYPE)
