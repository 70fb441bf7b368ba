"""Which files and records were imported before, at this API: retry files, the same file, newer
versions.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter, defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Q

from imports.customers.files.errors import UnreadableFile, shown
from imports.customers.files.reader import read_records
from imports.customers.files.validation import Refusal
from imports.customers.record_editor import is_same
from imports.ledger.batches import bytes_of
from imports.ledger.known_before import (
    CHANGED_RETRY_FILE,
    NOT_IN_RETRY_FILE,
    OTHER_API,
    SAME_FILE,
    Later,
    later_imports,
)
from imports.ledger.left_out import EARLIER_COPY, KNOWN_ELSEWHERE
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportFile, ImportResult, RetryFile
from imports.states import FileStatus, JobStatus, ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from django.db.models import QuerySet

    from imports.customers.files.limits import Checks
    from imports.customers.files.validation import Record
    from imports.models import ImportJob

# The code of a record that is left out unless somebody force, and what is said of it.
SENTENCES = {
    "ALREADY_IMPORTED": sentence(
        "ALREADY_IMPORTED",
        _(
            "{file}, record {record}: {customer} was already imported in job {job}. It is not"
            " sent again unless you force it (in the job's settings, or with --force)."
        ),
    ),
    "MAY_BE_IMPORTED": sentence(
        "MAY_BE_IMPORTED",
        _(
            "{file}, record {record}: {customer} may have been imported in job {job}: look it"
            " up first. It is not sent again unless you force it."
        ),
    ),
    "EXCLUDED_BEFORE": sentence(
        "EXCLUDED_BEFORE",
        _(
            "{file}, record {record}: {customer} was excluded in job {job}. It is not sent "
            "unless you force it."
        ),
    ),
    "CORRECTED_SINCE": sentence(
        "CORRECTED_SINCE",
        _(
            "{file}, record {record}: {customer} was corrected later in job {job}, and this "
            "file has the older version. Regenerate the retry files and load those. It is not"
            " sent unless you force it."
        ),
    ),
    "IMPORTED_LATER": sentence(
        "IMPORTED_LATER",
        _(
            "{file}, record {record}: {customer} was imported into this API later in job "
            "{job}, and this file has an older version. It is not sent unless you force it."
        ),
    ),
    "BEING_RETRIED": sentence(
        "BEING_RETRIED",
        _("{file}, record {record}: {customer} is already being sent in job {job}."),
    ),
    "TWICE": sentence(
        "IN_TWO_FILES",
        _("{file}, record {record}: {customer} is also in another file of this job."),
    ),
}
ALWAYS = ("BEING_RETRIED", "TWICE")  # left out even if somebody force
LATER_CODES = {
    ResultStatus.SUCCESS: "IMPORTED_LATER",
    ResultStatus.UNKNOWN: "MAY_BE_IMPORTED",
    ResultStatus.PENDING: "BEING_RETRIED",
}


class LeftOut(NamedTuple):
    """Why a record is not sent, and the job that says so."""

    code: str
    job: int


class Found(NamedTuple):
    """The part of a result that says what became of a record."""

    pk: int
    job_id: int
    status: str
    retry_of_id: int | None
    error_code: str
    batch_id: int | None

    @property
    def was_at_fault(self) -> bool:
        """Whether it was never sent because the record itself, or its row, was at fault."""
        is_left_out = self.status == ResultStatus.EXCLUDED and self.batch_id is None
        return is_left_out and self.error_code not in KNOWN_ELSEWHERE

    @property
    def was_a_copy(self) -> bool:
        """Whether it was not sent only because a later copy of the customer was."""
        return self.status == ResultStatus.EXCLUDED and self.error_code == EARLIER_COPY

    @property
    def may_go_again(self) -> bool:
        """Whether it depends on later imports alone if it is sent."""
        return self.status == ResultStatus.ERROR or self.was_a_copy or self.was_at_fault


class RetryFileMatches:
    """Knows the results that the records of one file stand for. Look records up before judging."""

    def __init__(self, job: ImportJob, file: ImportFile, taken: set[int], *, force: bool) -> None:
        """`taken`: the results that this job's files have named so far; grows with this one."""
        self.job, self.file, self.taken, self.force = job, file, taken, force
        retry_file = file.retry_file if is_at_home(file, job) else None
        self.is_changed = retry_file is not None and retry_file.sha256 not in digests_of(file)
        self.links = retry_file is not None
        self.ids = list(retry_file.result_ids) if retry_file else []
        self.by_key = _ids_by_key(self.ids) if self.is_changed else {}
        self.earlier = [] if retry_file else same_files(job, file)
        self._sent: array[int] | None = None
        self.is_twin = False  # another file of this job has the very same bytes
        self.strangers = 0  # of a changed retry file: records that were not in it
        self._origin: dict[int, int] = {}  # a record's position: the result it stood for
        self._latest: dict[int, Found] = {}  # that result: its latest retry
        self._later: dict[int, Later] = {}
        self._bytes: dict[int, bytes] = {}
        self._retry_of: dict[int, int] = {}

    @property
    def knows(self) -> bool:
        """Whether anything is known of the file's records."""
        return bool(self.ids or self.earlier or self.is_twin)

    def look_up(self, records: Sequence[Record]) -> None:
        """Find out about these records: a few queries, whatever their number."""
        if self.is_twin or not self.knows:
            return
        self._origin = self._origins(records)
        ids = list(self._origin.values())
        self._latest = _latest(ids)
        again = {each.pk for each in self._latest.values() if each.may_go_again}
        self._later = later_imports(again)
        self._bytes = bytes_of(again | set(ids)) if self.links else {}

    def _origins(self, records: Sequence[Record]) -> dict[int, int]:
        if self.is_changed:
            found = {}
            for record in records:
                if ids := self.by_key.get(record.key):
                    found[record.position] = ids.pop(0)
                else:
                    self.strangers += 1
            return found
        if self.ids:
            count = len(self.ids)
            positions = (each.position for each in records if each.position <= count)
            return {position: self.ids[position - 1] for position in positions}
        if self._sent is None:
            self._sent = _sent_of(self.earlier, self.file.record_count)
        found = {each.position: self._sent[each.position] for each in records}
        return {position: pk for position, pk in found.items() if pk}

    def left_out(self, record: Record) -> LeftOut | None:
        """Why this record, looked up before, is not sent; if it is, it is taken from now on."""
        if self.is_twin:
            return LeftOut("TWICE", self.job.pk or 0)
        origin = self._origin.get(record.position)
        latest = self._latest.get(origin) if origin is not None else None
        if origin is None or latest is None:
            return None
        found = self._judged(record, origin, latest)
        if found and (found.code in ALWAYS or not self.force):
            return found
        if latest.pk in self.taken:
            return LeftOut("TWICE", latest.job_id)
        self.taken.add(latest.pk)
        if self.links:
            self._retry_of[record.position] = latest.pk
        return None

    def _judged(self, record: Record, origin: int, latest: Found) -> LeftOut | None:
        match latest.status:
            case ResultStatus.SUCCESS:
                return LeftOut("ALREADY_IMPORTED", latest.job_id)
            case ResultStatus.UNKNOWN:
                return LeftOut("MAY_BE_IMPORTED", latest.job_id)
            case ResultStatus.EXCLUDED if not latest.may_go_again:
                return LeftOut("EXCLUDED_BEFORE", latest.job_id)
            case ResultStatus.PENDING:
                return LeftOut("BEING_RETRIED", latest.job_id)
        if later := self._later.get(latest.pk):
            return LeftOut(LATER_CODES[ResultStatus(later.status)], later.job)
        if self.links and latest.pk != origin and self._is_from_before(record, origin, latest):
            return LeftOut("CORRECTED_SINCE", latest.job_id)
        return None

    def _is_from_before(self, record: Record, origin: int, latest: Found) -> bool:
        """Whether another version went out since the file was written, and this is the old one."""
        if self._is(record, latest.pk):
            return False
        return not self.is_changed or self._is(record, origin)

    def _is(self, record: Record, result: int) -> bool:
        """Whether the record is what that result was, but for the blanks between its values."""
        raw = self._bytes.get(result, b"")
        return raw == record.raw or is_same(_text(raw), _text(record.raw))

    def refusal(self, record: Record) -> Refusal | None:
        """Why the record is left out, if it is, in a message."""
        found = self.left_out(record)
        if found is None:
            return None
        said = SENTENCES[found.code].format(
            file=shown(self.file.name, 200), record=record.position,
            customer=shown(record.key or record.email, 200), job=found.job,
        )  # fmt: skip
        return Refusal(found.code, said)

    def retry_of(self, record: Record) -> int | None:
        """The result that this record, which is sent, is the retry of."""
        return self._retry_of.pop(record.position, None)


def digests_of(file: ImportFile) -> tuple[str, ...]:
    """The SHA-256 of what is read, and of what was added, where that was a member file."""
    member = getattr(file, "member", None)
    return tuple(filter(None, (file.sha256, member.sha256 if member else "")))


def is_at_home(file: ImportFile, job: ImportJob) -> bool:
    """Whether a retry file goes to the API that its records failed at: else it settles nothing."""
    return file.retry_file is not None and file.retry_file.job.api_id == job.api_id


def twins(job: ImportJob, file: ImportFile) -> list[ImportFile]:
    """The files of a draft before this one that have the very same bytes: one of them is sent."""
    if job.pk is None or not file.sha256:
        return []
    same = job.files.filter(sha256=file.sha256, status=FileStatus.VALID).order_by("pk")
    return list(same.filter(pk__lt=file.pk) if file.pk else same)


def same_files(job: ImportJob, file: ImportFile) -> list[ImportFile]:
    """The very same file in earlier jobs at this API, the latest first."""
    if not file.sha256:
        return []
    found = ImportFile.objects.filter(sha256=file.sha256, job__api=job.api_id)
    others = found.exclude(job=job.pk).exclude(job__status=JobStatus.DRAFT)
    return list(others.select_related("job").order_by("-job_id", "-pk"))


def _sent_of(files: Sequence[ImportFile], count: int) -> array[int]:
    """By position, the latest result of these equal files; 0 for none.

    Only of what was sent, or gave way to a later copy: all else is read anew.

    Eight bytes for each record, and one look through their jobs: a million may stand in one.
    """
    found = array("q", bytes(8 * (count + 1)))
    sent = ImportResult.objects.filter(
        job_id__in={each.job_id for each in files}, file__in=[each.pk for each in files],
        position__lte=count,
    ).filter(Q(batch__isnull=False) | Q(error_code=EARLIER_COPY))  # fmt: skip
    for position, pk in sent.order_by("pk").values_list("position", "pk").iterator(10_000):
        found[position] = pk
    return found


def _ids_by_key(ids: list[int]) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for pk, key in ImportResult.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "key"):
        found[key].append(pk)
    return found


def _latest(ids: Collection[int]) -> dict[int, Found]:
    """For each result its latest retry. A few queries, whatever their number."""
    found = {result.pk: result for result in _results(pk__in=ids)}
    first_of = {pk: pk for pk in found}  # a later retry's id: the id in the file
    frontier = list(found)
    while frontier:
        later = list(_results(retry_of__in=frontier))
        for result in later:
            first = first_of[result.retry_of_id]  # type: ignore[index]
            first_of[result.pk] = first
            found[first] = result
        frontier = [result.pk for result in later]
    return found


def _results(**which: object) -> list[Found]:
    rows = ImportResult.objects.filter(**which)
    return [Found(*row) for row in rows.values_list(*Found._fields)]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


SUMMARY = "retry_summary.json"
NAMES = ("retry_batch_", "unconfirmed_batch_", "failed_rows")  # how the names of ours begin
LARGEST_SUMMARY = 32 << 20  # bytes
RECORDS_AT_ONCE = 1_000
MOST_RECORDS = 10_000  # of a file that is known by its ids: ours have as many as a batch


def retry_file_of(job: ImportJob, file: ImportFile, checks: Checks) -> RetryFile | None:
    """The retry file that this one is, or was before somebody changed it; None for any other."""
    if not file.sha256:
        return None
    same = _ours().filter(sha256__in=digests_of(file))
    return _best(job, same) or _by_summary(job, file) or _by_ids(job, file, checks)


def _ours() -> QuerySet[RetryFile]:
    """Those with records that were sent: what could not be sent is new when it comes back."""
    return RetryFile.objects.filter(left_out=False)


def _best(job: ImportJob, found: QuerySet[RetryFile]) -> RetryFile | None:
    """The newest; one of this API before any other."""
    rows = list(found.select_related("job").order_by("-pk"))
    here = [each for each in rows if each.job.api_id == job.api_id]
    return next(iter(here or rows), None)


def _by_summary(job: ImportJob, file: ImportFile) -> RetryFile | None:
    """The summary in the same directory says which bytes a file of that name had."""
    path = file.location.parent / SUMMARY
    try:
        if file.is_ours or path.stat().st_size > LARGEST_SUMMARY:
            return None
        digests = json.loads(path.read_bytes())["sha256"]
        sha256 = digests.get(file.location.name)
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None  # none, or none of ours
    return _best(job, _ours().filter(sha256=str(sha256))) if sha256 else None


def _by_ids(job: ImportJob, file: ImportFile, checks: Checks) -> RetryFile | None:
    """A file that is called like ours, and whose records are those of one of ours."""
    if not file.name.startswith(NAMES) or file.record_count > MOST_RECORDS:
        return None
    try:
        records = list(islice(read_records(file.location, file.name, checks), MOST_RECORDS))
    except UnreadableFile:
        return None
    keys = {each.key for each in records if each.key}
    sent = Q(status__in=[ResultStatus.ERROR, ResultStatus.UNKNOWN], batch__isnull=False)
    never_sent = Q(status=ResultStatus.EXCLUDED, batch__isnull=True)
    troubled = ImportResult.objects.filter(sent | never_sent, key__in=keys)
    ids = list(troubled.values_list("pk", flat=True)[:MOST_RECORDS])
    written = _best(job, _ours().filter(result_ids__overlap=ids)) if ids else None
    if written is None:
        return None
    known = set(
        ImportResult.objects.filter(pk__in=written.result_ids).values_list("key", flat=True)
    )
    return written if 2 * len(keys & known) >= len(keys) else None


def recognise(job: ImportJob, file: ImportFile, checks: Checks) -> None:
    """Set what is known of a checked file and its records. The caller saves it."""
    file.retry_file, file.known_before = None, []
    if file.status != FileStatus.VALID:
        return
    file.retry_file = retry_file_of(job, file, checks)
    file.known_before = list(_notes(job, file, checks))


def _notes(job: ImportJob, file: ImportFile, checks: Checks) -> Iterator[dict[str, Any]]:
    """What is to be said before Start: codes with parameters, for `ledger.known_before`."""
    api = job.api.name if job.api else ""
    mine = {"api": api, "file": shown(file.name, 200)}
    if file.retry_file and not is_at_home(file, job):
        failed_at = file.retry_file.job
        here = {"from": failed_at.api.name if failed_at.api else "", "count": file.record_count}
        yield {"code": OTHER_API, "job": failed_at.pk, **here, **mine}
    matches = RetryFileMatches(job, file, set(), force=False)
    matches.is_twin = bool(twins(job, file))
    if not matches.knows:
        return
    if matches.is_twin:
        yield {"code": "TWICE", "job": 0, "count": file.record_count, **mine}
        return
    if matches.is_changed and file.retry_file:
        yield {"code": CHANGED_RETRY_FILE, "job": file.retry_file.job_id, **mine}
    elif matches.earlier:
        earlier = matches.earlier[0]
        started_at = earlier.job.started_at
        at = started_at.isoformat() if started_at else ""
        yield {"code": SAME_FILE, "job": earlier.job_id, "at": at, **mine}
    counts = _counts(matches, read_records(file.location, file.name, checks))
    for left_out, count in sorted(counts.items()):
        yield {"code": left_out.code, "job": left_out.job, "count": count, **mine}
    if matches.strangers:
        yield {"code": NOT_IN_RETRY_FILE, "count": matches.strangers, **mine}


def _counts(matches: RetryFileMatches, records: Iterator[Record]) -> Counter[LeftOut]:
    """How many records would be left out, by reason and job."""
    counts: Counter[LeftOut] = Counter()
    while some := list(islice(records, RECORDS_AT_ONCE)):
        matches.look_up(some)
        for record in some:
            if record.refusal is None and (found := matches.left_out(record)):
                counts[found] += 1
    return counts
