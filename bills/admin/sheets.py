"""What an export says of a job's credentials. Passwords are not even read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.utils.translation import gettext as _

from bills.admin.rows import bill_count
from bills.error_codes import JOB_TYPE
from bills.models import BillRun
from imports.admin.sheets import Advice, Sheet, at_once, local, status_word
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import QuerySet

    from imports.models import ImportJob, ImportResult


def of_credentials(job: ImportJob, results: QuerySet[ImportResult]) -> Sheet:
    """One row for each credential, with the CSV's further columns. Two queries."""
    extras = list(BillRun.objects.get(job=job).extra_columns)
    header = [
        _("Job"), _("Row"), _("E-mail"), _("Status"), _("Code"), _("Error"), _("Attempts"),
        _("Bills"), _("Changed"), _("Again in job"), _("Who must act"), _("Remedy"), *extras,
    ]  # fmt: skip
    columns = results.annotate(
        again=F("retries__job"),
        bills=bill_count(),
        extra=F("batch__credential_use__credential__extra"),
    ).values_list(
        "job_id", "position", "email", "status", "error_code", "message", "retry_attempts",
        "bills", "updated_at", "again", "extra",
    )  # fmt: skip
    return Sheet(header, _rows(columns, extras, Advice(JOB_TYPE)))


def _rows(
    columns: QuerySet[Any, tuple[Any, ...]], extras: list[str], advice: Advice
) -> Iterator[Sequence[object]]:
    for *who, status, code, message, attempts, bills, at, again, extra in at_once(columns):
        told = (status_word(status), code, in_words(message), attempts, bills, local(at), again)
        yield (*who, *told, *advice[code], *((extra or {}).get(name, "") for name in extras))
