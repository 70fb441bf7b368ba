"""A retry file that is loaded: which of its records have been imported, or taken on, meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imports.customers.records import Refusal
from imports.ledger.bodies import bytes_of
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import ImportResult
from imports.states import ResultStatus

if TYPE_CHECKING:
    from imports.customers.records import Record
    from imports.models import ImportFile

ALREADY_IMPORTED = sentence(
    "ALREADY_IMPORTED",
    _(
        "{file}, record {record}: {customer} has been imported meanwhile, in job {job}. It is not "
        "sent again, unless you insist (in the job's settings, or with --insist)."
    ),
)
MAY_BE_IMPORTED = sentence(
    "MAY_BE_IMPORTED",
    _(
        "{file}, record {record}: {customer} may have been imported, in job {job}: look it up "
        "first. It is not sent again, unless you insist."
    ),
)
EXCLUDED_BEFORE = sentence(
    "EXCLUDED_BEFORE",
    _(
        "{file}, record {record}: {customer} was left out for good, in job {job}. It is not sent, "
        "unless you insist."
    ),
)
CORRECTED_SINCE = sentence(
    "CORRECTED_SINCE",
    _(
        "{file}, record {record}: {customer} was corrected since, in job {job}, and this file has "
        "the version from before. Write the retry files again and load those. It is not sent, "
        "unless you insist."
    ),
)
BEING_RETRIED = sentence(
    "BEING_RETRIED",
    _("{file}, record {record}: {customer} is being sent in job {job} already."),
)
IN_TWO_FILES = sentence(
    "IN_TWO_FILES",
    _("{file}, record {record}: {customer} is in another of this job's retry files, too."),
)


class Already:
    """Knows the results that the records of a retry file of ours stand for. Others: nothing.

    A retry file is known again by its SHA-256, so a record's position names its result.
    """

    def __init__(self, file: ImportFile, taken: set[int], *, insists: bool) -> None:
        """`taken`: the results that this job's files have named so far; grows with this one."""
        ids = file.retry_file.result_ids if file.retry_file else []
        self.file_name, self.insists, self.taken = file.name, insists, taken
        self.latest = dict(enumerate(_latest(ids), start=1))
        known = set(ids)
        later = [each for each in self.latest.values() if each and each.pk not in known]
        failed = [each.pk for each in later if each.status == ResultStatus.ERROR]
        self.sent_later = bytes_of(failed)

    def refusal(self, record: Record) -> Refusal | None:
        """Why the record is left out, if it is."""
        latest = self.latest.get(record.position)
        if latest is None:
            return None
        who = {
            "file": self.file_name,
            "record": record.position,
            "customer": record.key or record.email,
            "job": latest.job_id,
        }
        match latest.status:
            case ResultStatus.SUCCESS if not self.insists:
                return Refusal("ALREADY_IMPORTED", ALREADY_IMPORTED.format(**who))
            case ResultStatus.UNKNOWN if not self.insists:
                return Refusal("MAY_BE_IMPORTED", MAY_BE_IMPORTED.format(**who))
            case ResultStatus.EXCLUDED if not self.insists:
                return Refusal("EXCLUDED_BEFORE", EXCLUDED_BEFORE.format(**who))
            case ResultStatus.ERROR if not self.insists and self._is_old(latest, record):
                return Refusal("CORRECTED_SINCE", CORRECTED_SINCE.format(**who))
            case ResultStatus.PENDING:
                return Refusal("BEING_RETRIED", BEING_RETRIED.format(**who))
        if latest.pk in self.taken:
            return Refusal("TWICE", IN_TWO_FILES.format(**who))
        return None

    def _is_old(self, latest: ImportResult, record: Record) -> bool:
        """Whether another version of it went out since the file was written."""
        return self.sent_later.get(latest.pk, record.raw) != record.raw

    def retry_of(self, record: Record) -> int | None:
        """The result that this record is the retry of; it is taken from now on."""
        latest = self.latest.get(record.position)
        if latest is None:
            return None
        self.taken.add(latest.pk)
        return latest.pk


def _latest(ids: list[int]) -> list[ImportResult | None]:
    """For each result its latest round. A few queries, whatever their number."""
    found = {result.pk: result for result in _results(pk__in=ids)}
    first_of = {pk: pk for pk in found}  # a later round's id: the id in the file
    frontier = list(found)
    while frontier:
        later = list(_results(retry_of__in=frontier))
        for result in later:
            first = first_of[result.retry_of_id]  # type: ignore[index]
            first_of[result.pk] = first
            found[first] = result
        frontier = [result.pk for result in later]
    return [found.get(pk) for pk in ids]


def _results(**which: object) -> list[ImportResult]:
    return list(ImportResult.objects.filter(**which).only("pk", "job_id", "status", "retry_of_id"))
