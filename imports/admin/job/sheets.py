"""What an export says of each record and of each attempt. No body, no answer, no credential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from imports import error_codes
from imports.policy import Verdict
from imports.rendering import in_words
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from imports.models import Attempt, ImportResult

# A server-side cursor holds the rest. It outlives its transaction, so none is open meanwhile.
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """Headings, and rows that are read while they are asked for."""

    header: Sequence[str]
    rows: Iterable[Sequence[object]]


def at_once(rows: QuerySet[Any]) -> Iterator[Any]:
    """The rows of one query, never more than ROWS_AT_ONCE of them in memory."""
    return rows.iterator(chunk_size=ROWS_AT_ONCE)


def of_records(results: QuerySet[ImportResult]) -> Sheet:
    """One row for each record. One query."""
    header = [
        _("Job"), _("Customer"), _("E-mail"), _("File"), _("Record"), _("Status"), _("Code"),
        _("HTTP"), _("Error"), _("Attempts"), _("Changed"), _("Again in job"),
        _("Who must act"), _("Remedy"),
    ]  # fmt: skip
    columns = results.annotate(again=F("retries__job")).values_list(
        "job_id", "key", "email", "file__name", "position", "status", "error_code",
        "http_status", "message", "retry_attempts", "updated_at", "again",
    )  # fmt: skip
    return Sheet(header, _records(columns, Advice("customers")))


def of_stored(results: QuerySet[ImportResult]) -> Sheet:
    """One row for each record that is stored, with the id that the API gave it. One query."""
    header = [
        _("Job"), _("Customer"), _("E-mail"), _("File"), _("Record"), _("Id in the API"),
        _("Changed"),
    ]  # fmt: skip
    stored = results.filter(status=ResultStatus.SUCCESS).values_list(
        "job_id", "key", "email", "file__name", "position", "assigned__value", "updated_at"
    )
    return Sheet(header, ((*names, local(at)) for *names, at in at_once(stored)))


def _records(
    columns: QuerySet[Any, tuple[Any, ...]], advice: Advice
) -> Iterator[Sequence[object]]:
    for *names, status, code, http, message, attempts, at, again in at_once(columns):
        summary = (status_word(status), code, http, in_words(message), attempts, local(at), again)
        yield (*names, *summary, *advice[code])


class Advice(dict[str, tuple[str, str]]):
    """Who must act on a code, and how, in the operator's language; looked up once for a code."""

    def __init__(self, job_type: str) -> None:
        super().__init__()
        self.job_type = job_type

    def __missing__(self, code: str) -> tuple[str, str]:
        found = error_codes.about(code, self.job_type)
        self[code] = (found.who, str(found.remedy)) if found else ("", "")
        return self[code]


def of_attempts(attempts: QuerySet[Attempt]) -> Sheet:
    """One row for each try of a batch, without what the other side answered. One query."""
    header = [
        _("Job"), _("Batch"), _("Attempt"), _("Outcome"), _("HTTP"), _("Code"), _("Error"),
        _("Succeeded"), _("Failed"), _("Unknown"), _("Counted"), _("Worker"), _("Sent"),
        _("Ended"), _("Milliseconds"),
    ]  # fmt: skip
    columns = attempts.values_list(
        "job_id", "batch__number", "batch__part", "number", "verdict", "http_status",
        "error_code", "message", "success_count", "error_count", "unknown_count", "counted",
        "worker", "claimed_at", "sent_at", "ended_at",
    )  # fmt: skip
    return Sheet(header, _attempts(columns))


def _attempts(columns: QuerySet[Any, tuple[Any, ...]]) -> Iterator[Sequence[object]]:
    words = {each.value: _(each.label) for each in Verdict}
    for (
        job,
        batch,
        part,
        number,
        verdict,
        http,
        code,
        message,
        *counts,
        worker,
        claimed,
        sent,
        ended,
    ) in at_once(columns):
        name = f"{batch}.{part}" if part else batch
        taken = round((ended - (sent or claimed)).total_seconds() * 1000)
        word = words.get(verdict, verdict)
        summary = (word, http, code, in_words(message), *counts, worker)
        yield (job, name, number, *summary, local(sent), local(ended), taken)


def status_word(status: str) -> str:
    """As the pages say it."""
    return str(ResultStatus(status).label)


def local(at: datetime | None) -> datetime | None:
    """A time in the operator's zone."""
    return timezone.localtime(at) if at else None
