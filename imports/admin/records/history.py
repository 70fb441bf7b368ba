"""A record's history: every job it was in, its attempts, and what people did to it, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imports import rendering
from imports.admin.formatting import LONGEST_SHOWN, Row, diff, editable
from imports.ledger.batches import bytes_of
from imports.ledger.lifecycle import CANCELLED_CODE
from imports.models import Attempt, ImportResult, JobEvent, RecordEvent
from imports.policy import Verdict
from imports.states import EventCode, JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import date, datetime

    from django.utils.functional import _StrOrPromise

    from imports.admin.job.page import JobPage
    from imports.messages import Text

MOST_RESULTS = 300  # of one record, over all jobs
MOST_VERSIONS = 20  # whose bytes are read
MOST_BYTES = LONGEST_SHOWN + 1
# Of a job's log, to all of its records.
SUMMARY = (EventCode.CREATED, EventCode.CORRECTED, EventCode.STARTED, EventCode.CANCELLED)

# From any retry of a record to its first job, and from there to all later ones: a corrected
# version may be called otherwise than the one it corrects.
LINEAGE = """
WITH RECURSIVE up AS (
    SELECT id, retry_of_id FROM import_results WHERE id = ANY(%s)
    UNION
    SELECT r.id, r.retry_of_id FROM import_results r JOIN up ON r.id = up.retry_of_id
), down AS (
    SELECT id, id AS first FROM up WHERE retry_of_id IS NULL
    UNION
    SELECT r.id, down.first FROM import_results r JOIN down ON r.retry_of_id = down.id
)
SELECT first, id FROM down ORDER BY id DESC LIMIT %s
"""

# A record's attempts are those of its batch, and of those that its batch was cut out of.
ANCESTRY = """
WITH RECURSIVE line AS (
    SELECT id AS batch, id, parent_id FROM imports_importbatch WHERE id = ANY(%s)
    UNION
    SELECT line.batch, b.id, b.parent_id
    FROM imports_importbatch b JOIN line ON b.id = line.parent_id
)
SELECT batch, id FROM line
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a job's part of the history: an attempt, or something a person did."""

    at: datetime
    attempt: Attempt | None = None
    event: JobEvent | None = None
    is_last_attempt: bool = False


@dataclass(slots=True)
class JobStay:
    """A record in one job: its result there, its attempts, and what people did."""

    result: ImportResult
    attempts: list[Attempt] = field(default_factory=list)
    events: list[JobEvent] = field(default_factory=list)
    record_events: list[JobEvent] = field(default_factory=list)  # about this very record
    raw: bytes = b""
    change: list[Row] = field(default_factory=list)  # since the job before

    @property
    def moments(self) -> list[Moment]:
        """All of it, in the order in which it happened."""
        last = self.attempts[-1] if self.attempts else None
        tries = [Moment(each.ended_at, each, None, each is last) for each in self.attempts]
        done = [Moment(each.at, None, each) for each in [*self.events, *self.record_events]]
        return sorted([*done, *tries], key=lambda moment: moment.at)

    @property
    def came_to(self) -> str:
        """Where the last attempt left it, before anybody decided; "" while it goes on."""
        decided = {each.code for each in self.record_events}
        if decided & {EventCode.ARRIVED, EventCode.NOT_ARRIVED, EventCode.LOOKED_UP}:
            return ResultStatus.UNKNOWN.value
        if EventCode.EXCLUDED in decided:
            return ResultStatus.ERROR.value
        return "" if self.result.status == ResultStatus.PENDING else self.result.status

    @property
    def correction(self) -> JobEvent | None:
        """Who made this version of it, if it went out corrected."""
        return next((each for each in self.events if each.code == EventCode.CORRECTED), None)

    @property
    def has_failed(self) -> bool:
        """Whether it failed here, and not merely because the job was cancelled."""
        result = self.result
        return result.status == ResultStatus.ERROR and result.error_code != CANCELLED_CODE

    def tries(self, *, refused: bool) -> list[Attempt]:
        """Those that came to its outcome: a refusal is an answer, with an HTTP status."""
        # Tries that say nothing about this record: asked to come later, or halved.
        return [
            each
            for each in self.attempts
            if each.verdict not in (Verdict.DEFERRED, Verdict.PAUSE, Verdict.SPLIT)
            and (each.http_status or not refused)
        ]


@dataclass(slots=True)
class HistoryEntry:
    """A record in one import: its jobs from the first to the latest retry."""

    stays: list[JobStay]
    is_copy: bool = False  # the same import names the record once more

    @property
    def latest(self) -> ImportResult:
        return self.stays[-1].result

    @property
    def first_job(self) -> int:
        """The first job of the import that the record belongs to."""
        job = self.latest.job
        return job.root_id or job.pk


def entries(result: ImportResult) -> list[HistoryEntry]:
    """Everything known of the record, the import that it was last in first. Seven queries.

    An import that names it several times has an entry for each copy, this one's comes first.
    """
    mine = lineages([result.pk])
    lines = mine + [each for each in lineages(_namesakes(result)) if each[-1] not in mine[0]]
    rows = _results(pk for line in lines for pk in line)
    stays = {pk: JobStay(row) for pk, row in rows.items()}
    _add_attempts(stays.values())
    _add_events(stays)
    found = [HistoryEntry([stays[pk] for pk in line if pk in stays]) for line in lines]
    found.sort(key=lambda entry: entry.latest.pk, reverse=True)
    this = next(each for each in found if any(one.result.pk == result.pk for one in each.stays))
    copies = [each for each in found if each.first_job == this.first_job]
    for each in copies:
        each.is_copy = each is not this
    return _in_place_of(found, copies, [this, *(each for each in copies if each is not this)])


def _in_place_of(
    found: list[HistoryEntry], old: list[HistoryEntry], new: list[HistoryEntry]
) -> list[HistoryEntry]:
    """The list with some of its entries in another order, at the places that they had."""
    ordered = iter(new)
    return [next(ordered) if each in old else each for each in found]


def _namesakes(result: ImportResult) -> list[int]:
    """The results of the same customer or account in all jobs."""
    name = {"key": result.key} if result.key else {"key": "", "email": result.email}
    if not any(name.values()):
        return []
    same = ImportResult.objects.filter(**name, job__kind=result.job.kind).order_by()
    return sorted(same.values_list("pk", flat=True)[: 10 * MOST_RESULTS])[-MOST_RESULTS:]


def lineages(ids: Collection[int]) -> list[list[int]]:
    """The ids of each record's results, in order, for all records that these belong to."""
    with connection.cursor() as sql:
        sql.execute(LINEAGE, [list(ids), MOST_RESULTS])
        rows = sql.fetchall()
    found: dict[int, list[int]] = {}
    for first, pk in reversed(rows):
        found.setdefault(first, []).append(pk)
    return list(found.values())


def _results(ids: Iterable[int]) -> dict[int, ImportResult]:
    rows = ImportResult.objects.filter(pk__in=list(ids)).select_related("job", "file", "batch")
    return {row.pk: row for row in rows.defer("batch__body", "refused_record")}


def _add_attempts(stays: Collection[JobStay]) -> None:
    ids = [each.result.batch_id for each in stays if each.result.batch_id]
    with connection.cursor() as sql:
        sql.execute(ANCESTRY, [ids])
        line = sql.fetchall()
    tries: dict[int, list[Attempt]] = {}
    for attempt in _attempts({pk for _batch, pk in line}):
        tries.setdefault(attempt.batch_id, []).append(attempt)
    of_batch: dict[int, list[Attempt]] = {}
    for batch, pk in line:
        of_batch.setdefault(batch, []).extend(tries.get(pk, []))
    for each in stays:
        found = of_batch.get(each.result.batch_id or 0, [])
        each.attempts = sorted(found, key=lambda one: one.pk)


def _attempts(batch_ids: Collection[int]) -> list[Attempt]:
    rows = Attempt.objects.filter(batch__in=batch_ids).select_related("batch")
    return list(rows.defer("batch__body").order_by("-pk")[:600])


def _add_events(stays: dict[int, JobStay]) -> None:
    """What people did to the jobs, and to these very records. Two queries."""
    jobs = {each.result.job_id for each in stays.values()}
    events: dict[int, list[JobEvent]] = {}
    for event in JobEvent.objects.filter(job__in=jobs, code__in=SUMMARY).order_by("pk"):
        events.setdefault(event.job_id, []).append(event)
    for each in stays.values():
        each.events = events.get(each.result.job_id, [])
    for record_event in (
        RecordEvent.objects.filter(result__in=list(stays)).select_related("event").order_by("pk")
    ):
        stays[record_event.result_id].record_events.append(record_event.event)


def add_bytes(*entries: HistoryEntry) -> None:
    """The bytes of their newest results, and what changed from one to the next. One query."""
    some = [each for entry in entries for each in entry.stays[-MOST_VERSIONS:]]
    stays = {each.result.pk: each for each in some}
    for pk, raw in bytes_of(list(stays), MOST_BYTES).items():
        stays[pk].raw = raw
    for entry in entries:
        for before, after in pairwise(entry.stays):
            after.change = _change(before.raw, after.raw)


def _change(before: bytes, after: bytes) -> list[Row]:
    """How a version differs from the one before it."""
    if not before or not after or before == after or max(len(before), len(after)) > LONGEST_SHOWN:
        return []
    return diff(editable(before), editable(after)) or []


LONGEST_REASON = 160  # characters
MOST_REASONS = 2
MOST_DAYS = 4  # more become a span
MAY_HAVE_ARRIVED = gettext_lazy("may have arrived on %(day)s (“%(why)s”)")
EVENT_CLAUSES: dict[str, _StrOrPromise] = {
    EventCode.ARRIVED: gettext_lazy("was marked as imported by %(who)s on %(day)s (“%(why)s”)"),
    EventCode.NOT_ARRIVED: gettext_lazy("was marked as failed by %(who)s on %(day)s (“%(why)s”)"),
    EventCode.EXCLUDED: gettext_lazy("was excluded by %(who)s on %(day)s (“%(why)s”)"),
    EventCode.EXCLUSION_UNDONE: gettext_lazy(
        "was included again by %(who)s on %(day)s (“%(why)s”)"
    ),
    EventCode.PASSWORD_CHANGED: gettext_lazy("got a new password from %(who)s on %(day)s"),
}
# On a line of its own, after the actor's name.
LINES: dict[str, _StrOrPromise] = {
    EventCode.CREATED: gettext_lazy("created the job"),
    EventCode.CORRECTED: gettext_lazy("corrected it"),
    EventCode.STARTED: gettext_lazy("started the job"),
    EventCode.CANCELLED: gettext_lazy("cancelled the job"),
    EventCode.ARRIVED: gettext_lazy("marked it as imported"),
    EventCode.NOT_ARRIVED: gettext_lazy("marked it as failed"),
    EventCode.EXCLUDED: gettext_lazy("excluded it"),
    EventCode.EXCLUSION_UNDONE: gettext_lazy("undid the exclusion"),
    EventCode.PASSWORD_CHANGED: gettext_lazy("entered a new password"),
}
# Once, twice, and more often.
REFUSED = (
    gettext_lazy("was refused on %(days)s (“%(why)s”)"),
    gettext_lazy("was refused twice on %(days)s (“%(why)s”)"),
    gettext_lazy("was refused %(n)s times on %(days)s (“%(why)s”)"),
)
FAILED = (
    gettext_lazy("failed on %(days)s (“%(why)s”)"),
    gettext_lazy("failed twice on %(days)s (“%(why)s”)"),
    gettext_lazy("failed %(n)s times on %(days)s (“%(why)s”)"),
)


def sentence(entry: HistoryEntry, words: JobPage) -> str:
    """ "Customer 7 was refused on 1 May (“…”), and was imported on 2 May at 09:14." """
    who = words.subject % {"name": _name(entry)}
    return f"{who} {_listed(list(_clauses(entry.stays, words)))}."


def _name(entry: HistoryEntry) -> str:
    """The record's id, and its earlier ids if somebody corrected it."""
    names = list(dict.fromkeys(str(each.result) for each in reversed(entry.stays)))
    if len(names) < 2:
        return names[0]
    return _("%(name)s (before: %(old)s)") % {"name": names[0], "old": ", ".join(names[1:])}


def _clauses(stays: Sequence[JobStay], words: JobPage) -> Iterator[str]:
    """What happened, in order; plain failures in a row become one clause."""
    failed: list[JobStay] = []
    for each in stays:
        is_plain = each.has_failed and not each.record_events
        if each.correction or not is_plain:
            yield from _failures(failed)
            failed = []
        if each.correction:
            yield _("was corrected by %(who)s on %(day)s") % _names(each.correction)
        if is_plain:
            failed.append(each)
        else:
            yield from _outcome(each, words)
    yield from _failures(failed)


def _outcome(stay: JobStay, words: JobPage) -> Iterator[str]:
    """The record's outcome in one job, and what a person did about it there."""
    actions = {each.code for each in stay.record_events}
    if actions & {EventCode.ARRIVED, EventCode.NOT_ARRIVED}:
        last = stay.attempts[-1] if stay.attempts else None
        if last is not None:
            yield MAY_HAVE_ARRIVED % {"day": day(last.ended_at), "why": in_short(last.message)}
    elif EventCode.EXCLUDED in actions or stay.has_failed:
        yield from _failures([stay])
    else:
        yield _status(stay, words)
    for each in stay.record_events:
        if each.code in EVENT_CLAUSES:
            yield EVENT_CLAUSES[each.code] % _names(each)


def _status(stay: JobStay, words: JobPage) -> str:
    result = stay.result
    names = {
        "job": result.job_id,
        "day": day(result.updated_at),
        "time": date_format(timezone.localtime(result.updated_at), "H:i T"),
        "why": in_short(result.message),
    }
    match result.status:
        case ResultStatus.SUCCESS:
            return words.became % names
        case ResultStatus.UNKNOWN:
            return MAY_HAVE_ARRIVED % names
        case ResultStatus.EXCLUDED:
            return _("was not sent (“%(why)s”)") % names
        case ResultStatus.ERROR:
            return _("was not sent because job %(job)s was cancelled on %(day)s") % names
    return _waiting(stay) % names


def _waiting(stay: JobStay) -> str:
    """What the record waits for."""
    match stay.result.job.status:
        case JobStatus.DRAFT:
            return _("waits in job %(job)s, which nobody has started yet")
        case JobStatus.PAUSED:
            return _("waits because job %(job)s is paused")
    if stay.attempts and stay.result.message:
        return _("failed in job %(job)s and will be tried again (“%(why)s”)")
    return _("is being sent in job %(job)s")


def _names(event: JobEvent) -> dict[str, str]:
    why = in_short(event.reason or event.message)
    return {"who": event.actor or "Redrive", "day": day(event.at), "why": why}


def _failures(stays: Sequence[JobStay]) -> Iterator[str]:
    """Refusals, or failures on the way, in a row: each in one clause."""
    for refused, group in groupby(stays, key=lambda each: bool(each.result.http_status)):
        some = list(group)
        tries = [each for stay in some for each in stay.tries(refused=refused)]
        ends = [each.ended_at for each in tries] or [each.result.updated_at for each in some]
        whys = [in_short(each.result.message) for each in some]
        names = {
            "n": len(ends),
            "days": days(ends),
            "why": "”, “".join(list(dict.fromkeys(whys))[:MOST_REASONS]),
        }
        yield (REFUSED if refused else FAILED)[min(len(ends), 3) - 1] % names


def in_short(text: Text | None) -> str:
    """What is wrong, in the reader's language."""
    return rendering.in_short(text, LONGEST_REASON)


def day(at: datetime) -> str:
    """ "13 November", with the year where it is another."""
    return _named(timezone.localtime(at).date())


def days(ends: Iterable[datetime]) -> str:
    """ "12 and 13 November"; more than a few as a span."""
    found = sorted({timezone.localtime(at).date() for at in ends})
    if len(found) > MOST_DAYS:
        names = {"n": len(found), "first": _named(found[0]), "last": _named(found[-1])}
        return _("%(n)s days from %(first)s to %(last)s") % names
    same_month = len({(each.year, each.month) for each in found}) == 1
    named = [str(each.day) if same_month else _named(each) for each in found[:-1]]
    return _and([*named, _named(found[-1])])


def _named(each: date) -> str:
    this_year = each.year == timezone.localdate().year
    return date_format(each, "j F" if this_year else "j F Y")


def _and(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return _("%(first)s and %(last)s") % {"first": ", ".join(parts[:-1]), "last": parts[-1]}


def _listed(clauses: Sequence[str]) -> str:
    """ "a, b, and c": clauses have commas of their own."""
    if len(clauses) < 2:
        return "".join(clauses)
    return _("%(first)s, and %(last)s") % {"first": ", ".join(clauses[:-1]), "last": clauses[-1]}
