"""Corrected records whose id was corrected: which failed record each of them comes from.

A match is a guess. It is shown to a person, with both ids and what was changed, before it is sent.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from django.db.models import Exists, OuterRef, Q

from imports.ledger.bodies import bytes_of
from imports.models import ImportResult, RetryFile
from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from imports.customers.checks import Checks
    from imports.customers.records import Record

MOST_CANDIDATES = 50_000
COMPARED_WITH = 500  # other records of the import, that show which values are everybody's
FEW_VALUES = 3  # a record with fewer of its own is recognised by its place alone
# Codes and flags ("PERSON", "sv"): the same for many, and nobody's own.
SHARED_VALUE = re.compile(r"[A-Z0-9]*[A-Z_]{2,}[A-Z0-9_]*|.{0,2}", re.ASCII)

Leaf = tuple[str, str]  # a path and what stands there


class Candidate(NamedTuple):
    """A record that failed and that no corrected record names, with the values of its own."""

    pk: int
    leaves: frozenset[Leaf]


class ChangedIds:
    """The failed records of an import that corrected ones with unknown ids may come from."""

    def __init__(self, jobs: Collection[int], named: Collection[str], checks: Checks) -> None:
        """`named`: the ids that the corrected files have; whoever is named is no candidate."""
        self._jobs, self._named = jobs, named
        self._id_paths = {*checks.id_paths, *checks.username_paths, *checks.email_paths}
        self._files: dict[str, list[int]] = {}
        self._candidates: dict[int, Candidate] | None = None
        self._by_leaf: dict[Leaf, int] = {}

    def origin(self, record: Record, file: str, count: int) -> int | None:
        """The failed result that a record of a file with `count` records is the correction of."""
        leaves = _leaves(record.raw)
        at_its_place = self._all().get(self._at_place(record, file, count))
        if at_its_place is not None and _may_be(at_its_place, leaves):
            return self._take(at_its_place)
        found = {self._by_leaf[leaf] for leaf in leaves if leaf in self._by_leaf}
        alike = [self._all()[pk] for pk in found if pk in self._all()]
        likely = [each for each in alike if 2 * len(each.leaves & leaves) >= len(each.leaves)]
        return self._take(likely[0]) if len(likely) == 1 else None

    def _take(self, candidate: Candidate) -> int:
        del self._all()[candidate.pk]
        return candidate.pk

    def _at_place(self, record: Record, file: str, count: int) -> int:
        """The result at the record's place in the retry file of that name, 0 if there is none."""
        if file not in self._files:
            written = RetryFile.objects.filter(job__in=self._jobs, name=file).order_by("-pk")
            self._files[file] = next(iter(written.values_list("result_ids", flat=True)[:1]), [])
        ids = self._files[file]
        return ids[record.position - 1] if len(ids) == count else 0

    def _all(self) -> dict[int, Candidate]:
        if self._candidates is None:
            self._candidates = {each.pk: each for each in self._read()}
            leaves = Counter(leaf for each in self._candidates.values() for leaf in each.leaves)
            self._by_leaf = {
                leaf: each.pk
                for each in self._candidates.values()
                for leaf in each.leaves
                if leaves[leaf] == 1
            }
        return self._candidates

    def _read(self) -> Iterator[Candidate]:
        """The candidates, without the values that several records of the import have."""
        later = ImportResult.objects.filter(retry_of=OuterRef("pk"))
        latest = ImportResult.objects.filter(job__in=self._jobs).exclude(Exists(later))
        others = latest.filter(status=ResultStatus.SUCCESS).order_by("-pk")
        never_sent = Q(status=ResultStatus.EXCLUDED, batch__isnull=True)
        failed = latest.filter(Q(status=ResultStatus.ERROR) | never_sent).exclude(error_code="")
        rows = failed.order_by("pk").values_list("pk", "key")[:MOST_CANDIDATES]
        pks = [pk for pk, key in rows if not key or key not in self._named]
        read = {pk: self._own(raw) for pk, raw in bytes_of(pks).items()}
        shown = bytes_of(others.values_list("pk", flat=True)[:COMPARED_WITH]).values()
        frequent = _frequent([*read.values(), *map(self._own, shown)])
        return (Candidate(pk, leaves - frequent) for pk, leaves in sorted(read.items()))

    def _own(self, raw: bytes) -> frozenset[Leaf]:
        """What may tell a record from others, but for its id and e-mail: those were corrected."""
        return frozenset(leaf for leaf in _leaves(raw) if leaf[0] not in self._id_paths)


def _may_be(candidate: Candidate, leaves: frozenset[Leaf]) -> bool:
    """Whether the record at a candidate's place is not plainly another customer."""
    return len(candidate.leaves) < FEW_VALUES or bool(candidate.leaves & leaves)


def _frequent(records: Iterable[frozenset[Leaf]]) -> frozenset[Leaf]:
    counts = Counter(leaf for leaves in records for leaf in leaves)
    return frozenset(leaf for leaf, count in counts.items() if count > 1)


def _leaves(raw: bytes) -> frozenset[Leaf]:
    """The values of a record with their paths; none of one that is no JSON."""
    try:
        value = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(_walk(value, ""))


def _walk(value: object, path: str) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _walk(child, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _walk(child, f"{path}.{index}")
    elif not isinstance(value, bool) and value is not None:
        text = str(value).strip()
        if not SHARED_VALUE.fullmatch(text):
            yield path, text
