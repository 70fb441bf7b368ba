"""A record's life: every round in every job, its attempts, and what people did to it, in order.

The number of queries is the same for one attempt and for hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from django.db import connection

from imports.admin.diffs import Row, diff
from imports.admin.pretty import LONGEST_SHOWN, editable
from imports.event_codes import EventCode
from imports.ledger.bodies import bytes_of
from imports.models import Attempt, Deed, ImportResult, JobEvent
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

MOST_RESULTS = 300  # of one record, over all jobs
MOST_ATTEMPTS = 600
MOST_VERSIONS = 20  # whose bytes are read
MOST_BYTES = LONGEST_SHOWN + 1
# Of a job's log, to all of its records.
TOLD = (EventCode.CREATED, EventCode.CORRECTED, EventCode.STARTED, EventCode.CANCELLED)

# From any round of a record to its first one, and from there to all later ones: a corrected
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
    """One line of a round: an attempt, or something that a person did."""

    at: datetime
    attempt: Attempt | None = None
    event: JobEvent | None = None
    is_last_attempt: bool = False


@dataclass(slots=True)
class Round:
    """A record in one job: its result there, its attempts, and what people did."""

    result: ImportResult
    attempts: list[Attempt] = field(default_factory=list)
    events: list[JobEvent] = field(default_factory=list)
    deeds: list[JobEvent] = field(default_factory=list)  # about this very record
    raw: bytes = b""
    change: list[Row] = field(default_factory=list)  # from the round before

    @property
    def moments(self) -> list[Moment]:
        """All of it, in the order in which it happened."""
        last = self.attempts[-1] if self.attempts else None
        tries = [Moment(each.ended_at, each, None, each is last) for each in self.attempts]
        done = [Moment(each.at, None, each) for each in [*self.events, *self.deeds]]
        return sorted([*done, *tries], key=lambda moment: moment.at)

    @property
    def came_to(self) -> str:
        """Where the last attempt left it, before anybody decided; "" while it goes on."""
        decided = {each.code for each in self.deeds}
        if decided & {EventCode.ARRIVED, EventCode.NOT_ARRIVED}:
            return ResultStatus.UNKNOWN.value
        if EventCode.EXCLUDED in decided:
            return ResultStatus.ERROR.value
        return "" if self.result.status == ResultStatus.PENDING else self.result.status

    @property
    def correction(self) -> JobEvent | None:
        """Who made this version of it, if it went out corrected."""
        return next((each for each in self.events if each.code == EventCode.CORRECTED), None)


@dataclass(slots=True)
class Chapter:
    """A record in one import: its rounds from the first to the latest."""

    rounds: list[Round]
    is_copy: bool = False  # the same import names the record once more

    @property
    def latest(self) -> ImportResult:
        return self.rounds[-1].result

    @property
    def first_job(self) -> int:
        """The import that it belongs to: the job that its rounds began with."""
        job = self.latest.job
        return job.root_id or job.pk


def chapters(result: ImportResult) -> list[Chapter]:
    """Everything known of the record, the import that it was last in first. Seven queries.

    An import that names it several times has a chapter for each copy, this one's comes first.
    """
    mine = lineages([result.pk])
    lines = mine + [each for each in lineages(_namesakes(result)) if each[-1] not in mine[0]]
    rows = _results(pk for line in lines for pk in line)
    rounds = {pk: Round(row) for pk, row in rows.items()}
    _add_attempts(rounds.values())
    _add_events(rounds)
    found = [Chapter([rounds[pk] for pk in line if pk in rounds]) for line in lines]
    found.sort(key=lambda chapter: chapter.latest.pk, reverse=True)
    this = next(each for each in found if any(one.result.pk == result.pk for one in each.rounds))
    copies = [each for each in found if each.first_job == this.first_job]
    for each in copies:
        each.is_copy = each is not this
    return _in_place_of(found, copies, [this, *(each for each in copies if each is not this)])


def _in_place_of(found: list[Chapter], old: list[Chapter], new: list[Chapter]) -> list[Chapter]:
    """The list with some of its chapters in another order, at the places that they had."""
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
    """The ids of each record's rounds, in order, for all records that these belong to."""
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


def _add_attempts(rounds: Collection[Round]) -> None:
    ids = [each.result.batch_id for each in rounds if each.result.batch_id]
    with connection.cursor() as sql:
        sql.execute(ANCESTRY, [ids])
        line = sql.fetchall()
    tries: dict[int, list[Attempt]] = {}
    for attempt in _attempts({pk for _batch, pk in line}):
        tries.setdefault(attempt.batch_id, []).append(attempt)
    of_batch: dict[int, list[Attempt]] = {}
    for batch, pk in line:
        of_batch.setdefault(batch, []).extend(tries.get(pk, []))
    for each in rounds:
        found = of_batch.get(each.result.batch_id or 0, [])
        each.attempts = sorted(found, key=lambda one: one.pk)


def _attempts(batch_ids: Collection[int]) -> list[Attempt]:
    rows = Attempt.objects.filter(batch__in=batch_ids).select_related("batch")
    return list(rows.defer("batch__body").order_by("-pk")[:MOST_ATTEMPTS])


def _add_events(rounds: dict[int, Round]) -> None:
    """What people did to the jobs, and to these very records. Two queries."""
    jobs = {each.result.job_id for each in rounds.values()}
    events: dict[int, list[JobEvent]] = {}
    for event in JobEvent.objects.filter(job__in=jobs, code__in=TOLD).order_by("pk"):
        events.setdefault(event.job_id, []).append(event)
    for each in rounds.values():
        each.events = events.get(each.result.job_id, [])
    for deed in (
        Deed.objects.filter(result__in=list(rounds)).select_related("event").order_by("pk")
    ):
        rounds[deed.result_id].deeds.append(deed.event)


def add_bytes(*chapters: Chapter) -> None:
    """The bytes of their newest rounds, and what changed from one to the next. One query."""
    some = [each for chapter in chapters for each in chapter.rounds[-MOST_VERSIONS:]]
    rounds = {each.result.pk: each for each in some}
    for pk, raw in bytes_of(list(rounds), MOST_BYTES).items():
        rounds[pk].raw = raw
    for chapter in chapters:
        for before, after in pairwise(chapter.rounds):
            after.change = _change(before.raw, after.raw)


def _change(before: bytes, after: bytes) -> list[Row]:
    """How a version differs from the one before it."""
    if not before or not after or before == after or max(len(before), len(after)) > LONGEST_SHOWN:
        return []
    return diff(editable(before), editable(after)) or []
