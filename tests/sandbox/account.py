"""The account of effects: which customer was stored how often, so that a test can say
"nothing lost, nothing twice". It judges nothing that it has not done itself.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tests.sandbox.gk_records import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RECORDS_KEPT = 10_000  # whole records and reasons are kept for so many customers, counts for all


@dataclass(frozen=True, slots=True)
class Change:
    """One record of a request. `refused` is a result decided beforehand: nothing is stored.

    `source` is the request's body, its envelope's key and the record's position: to show it later.
    """

    identity: str
    change_type: str
    source: tuple[bytes, str, int]
    refused: Result | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """How the account differs from what was expected; empty everywhere when it agrees."""

    lost: list[str]
    twice: list[str]
    unexpected: list[str]

    def __bool__(self) -> bool:
        return bool(self.lost or self.twice or self.unexpected)


class Account:
    """Customers that exist, and every effect there was. Safe from any thread, quick for a million.

    An *effect* is a record that was stored (SUCCESS). `sent_again` counts records that arrived
    once more after they had been stored, whatever they were answered: that is how a CREATE
    sent twice shows, which the API itself answers with CONFLICT. Replays of an idempotency key
    are not among them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin anew: no customers, no effects, no counts."""
        with self._lock:
            self._effects: dict[str, int] = {}
            self._total_effects = 0
            self._more_than_once: dict[str, None] = {}  # an ordered set
            self._existing: set[str] = set()
            self._sent_again: Counter[str] = Counter()
            self._sources: dict[str, tuple[bytes, str, int]] = {}
            self._reasons: dict[str, str] = {}
            self._results: Counter[Result] = Counter()
            self._counts: Counter[str] = Counter()
            self._faults: Counter[str] = Counter()

    def count(self, what: str) -> int:
        """Count one "requests", "token_requests" or "replays"; returns the new number."""
        with self._lock:
            self._counts[what] += 1
            return self._counts[what]

    def count_fault(self, name: str) -> None:
        with self._lock:
            self._faults[name] += 1

    def settle(self, changes: Sequence[Change]) -> list[Result]:
        """Carry out one request's records together; their results in the same order."""
        with self._lock:
            results = [self._settle_one(change) for change in changes]
            self._results.update(results)
        return results

    def _settle_one(self, change: Change) -> Result:
        name = change.identity
        if name in self._effects:
            self._sent_again[name] += 1
        result = change.refused or self._result_for(name, change.change_type)
        if result is Result.SUCCESS:
            self._count_effect(name)
            self._keep(change)
        elif change.reason and len(self._reasons) < RECORDS_KEPT:
            self._reasons[name] = change.reason
        return result

    def _count_effect(self, name: str) -> None:
        effects = self._effects.get(name, 0) + 1
        self._effects[name] = effects
        self._total_effects += 1
        if effects > 1:
            self._more_than_once[name] = None

    def _result_for(self, name: str, change_type: str) -> Result:
        exists = name in self._existing
        if change_type == "CREATE" and exists:
            return Result.CONFLICT
        if change_type in ("UPDATE", "DELETE") and not exists:
            return Result.NOT_FOUND
        return Result.SUCCESS

    def _keep(self, change: Change) -> None:
        if change.change_type == "DELETE":
            self._existing.discard(change.identity)
            self._sources.pop(change.identity, None)
            return
        self._existing.add(change.identity)
        if len(self._sources) < RECORDS_KEPT or change.identity in self._sources:
            self._sources[change.identity] = change.source

    def effects(self, customer_id: str) -> int:
        """How often this customer was stored."""
        return self._effects.get(customer_id, 0)

    @property
    def effects_by_customer(self) -> dict[str, int]:
        with self._lock:
            return dict(self._effects)

    @property
    def distinct(self) -> int:
        return len(self._effects)

    @property
    def total_effects(self) -> int:
        return self._total_effects

    @property
    def more_than_once(self) -> list[str]:
        with self._lock:
            return list(self._more_than_once)

    @property
    def sent_again(self) -> dict[str, int]:
        with self._lock:
            return dict(self._sent_again)

    @property
    def requests(self) -> int:
        return self._counts["requests"]

    @property
    def token_requests(self) -> int:
        return self._counts["token_requests"]

    @property
    def replays(self) -> int:
        return self._counts["replays"]

    def difference(self, expected: Iterable[str]) -> Difference:
        """Compare with the customers that should have been stored exactly once each."""
        wanted, found = set(expected), self.effects_by_customer
        return Difference(
            lost=sorted(wanted - found.keys()),
            twice=sorted(name for name, count in found.items() if count > 1),
            unexpected=sorted(found.keys() - wanted),
        )

    def summary(self, *, with_customers: bool = True) -> dict[str, Any]:
        """The whole account as JSON values; without customers it stays small for a million."""
        with self._lock:
            effects = dict(self._effects) if with_customers else {}
            content: dict[str, Any] = {
                "total_effects": self._total_effects,
                "distinct": len(self._effects),
                "existing": len(self._existing),
                "more_than_once": list(self._more_than_once),
                "sent_again": dict(self._sent_again),
                "requests": self._counts["requests"],
                "token_requests": self._counts["token_requests"],
                "replays": self._counts["replays"],
                "results": {result.value: self._results[result] for result in Result},
                "faults": dict(self._faults),
            }
        return content | ({"customers": effects} if with_customers else {})

    def customer(self, customer_id: str) -> dict[str, Any]:
        """One customer's effects, its stored record, and why it was last refused, if it was."""
        with self._lock:
            source = self._sources.get(customer_id)
            return {
                "customer_id": customer_id,
                "effects": self._effects.get(customer_id, 0),
                "sent_again": self._sent_again[customer_id],
                "exists": customer_id in self._existing,
                "reason": self._reasons.get(customer_id, ""),
                "record": source and msgspec.json.decode(source[0])[source[1]][source[2]],
            }
