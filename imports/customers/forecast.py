"""What an import would come to: read exactly as an import reads, but counted and not kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Max

from imports.customers.cutting import Reader
from imports.customers.remarks import MOST_SENTENCES, keep
from imports.customers.setup import checks_of
from imports.messages import render, to_json
from imports.models import ImportResult
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from imports.ledger.intake import NewRecord, Refused
from imports.models import CustomerApi, ImportFile, ImportJob

LOOKED_UP_AT_ONCE = 1_000  # customers
LEAST_EXAMPLES = 3  # of each reason, also beyond the first hundred


@dataclass(slots=True)
class _OfFile:
    """One file's share."""

    file: ImportFile
    sent: int = 0
    left_out: int = 0
    batches: int = 0

    def told(self) -> dict[str, Any]:
        return {
            "file": self.file.name,
            "path": self.file.path,
            "size": self.file.size,
            "sha256": self.file.sha256,
            "verdict": str(self.file.status),
            "message": str(self.file.message or ""),
            "customers": self.sent + self.left_out,
            "would_send": self.sent,
            "would_exclude": self.left_out,
            "batches": self.batches,
        }


@dataclass(slots=True)
class Count:
    """Takes what the ledger's intake takes, and only counts it. Sentences: the first hundred."""

    api: CustomerApi
    seen: Callable[[int], None]  # told now and then how many records have been read
    files: list[_OfFile] = field(default_factory=list)
    sizes: Counter[int] = field(default_factory=Counter)  # how many batches have so many records
    codes: Counter[str] = field(default_factory=Counter)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    records: int = 0
    imported_before: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    _keys: list[str] = field(default_factory=list)

    def add_batch(
        self, number: int, part: int, frame: tuple[bytes, int, int], records: Sequence[NewRecord],
        file_id: int | None, key: str = "", after: Collection[int] = (),
    ) -> int:  # fmt: skip
        """Count a batch that would be sent."""
        self.files[-1].batches += 1
        self.files[-1].sent += len(records)
        self.sizes[len(records)] += 1
        self._keys += [record.key for record in records if record.key]
        if len(self._keys) >= LOOKED_UP_AT_ONCE:
            self.look_up()
        self._read(len(records))
        return number

    def add_refused(self, record: Refused, file_id: int | None) -> None:
        """Count a record that would not be sent."""
        self.files[-1].left_out += 1
        self.codes[record.code] += 1
        if len(self.left_out) < MOST_SENTENCES or self.codes[record.code] <= LEAST_EXAMPLES:
            self.left_out.append(self._told(record))
        self._read(1)

    def _told(self, record: Refused) -> dict[str, Any]:
        return {
            "file": self.files[-1].file.name,
            "position": record.position,
            "customer": record.key or record.email,
            "code": record.code,
            "reason": render(record.message),
            "message": to_json(record.message),
        }

    def _read(self, count: int) -> None:
        self.records += count
        self.seen(self.records)

    def look_up(self) -> None:
        """Which of the latest customers this API took in earlier jobs. One query, by index."""
        keys = Counter(self._keys)
        self._keys.clear()
        taken = ImportResult.objects.filter(
            key__in=list(keys), status=ResultStatus.SUCCESS, job__api=self.api
        )
        found = taken.order_by("key").values_list("key").annotate(job=Max("job_id"))
        for key, job in found:
            self.imported_before += keys[key]
            keep(self.examples, {"customer": key, "job": job})


def forecast(
    job: ImportJob, files: Iterable[ImportFile], seen: Callable[[int], None] = lambda records: None
) -> dict[str, Any]:
    """What starting `job` with these checked files would come to, as JSON says it.

    Nothing is stored or sent; neither job nor files need be stored. Raises UnreadableInput.
    """
    if job.api is None:
        raise TypeError("only customer imports have customer files")
    checks = checks_of(job.api)
    count = Count(job.api, seen)
    reader = Reader(job, checks, count)
    reader.read(files, lambda file: count.files.append(_OfFile(file)))
    count.look_up()
    at_most = min(job.batch_size, checks.max_batch_records)
    return _told(job, count, at_most) | _strange(reader, count)


def _told(job: ImportJob, count: Count, at_most: int) -> dict[str, Any]:
    sent, left_out = (
        sum(getattr(file, name) for file in count.files) for name in ("sent", "left_out")
    )
    return {
        "api": job.api.name if job.api else "",
        "files": [file.told() for file in count.files],
        "customers": sent + left_out,
        "would_send": sent,
        "would_exclude": left_out,
        "batches": {
            "total": count.sizes.total(),
            "at_most": at_most,
            "largest": max(count.sizes, default=0),
            "smallest": min(count.sizes, default=0),
            "at_once": job.concurrency,
        },
        "excluded_by_reason": dict(count.codes.most_common()),
        "excluded": count.left_out,
        "already_imported": count.codes["ALREADY_IMPORTED"],
    }


def _strange(reader: Reader, count: Count) -> dict[str, Any]:
    """What is sent all the same, and a person may want to look at before."""
    return {
        "named_twice": reader.remarks.duplicated,
        "named_twice_examples": list(map(render, reader.remarks.duplicates)),
        "earlier_copies_left_out": reader.remarks.left_out_copies,
        "imported_before": count.imported_before,
        "imported_before_examples": count.examples,
        "with_warnings": reader.remarks.warned,
        "warnings": list(map(render, reader.remarks.warnings)),
        "messages": {"named_twice": list(map(to_json, reader.remarks.duplicates))},
    }
