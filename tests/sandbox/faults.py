"""Which fault hits which request or record. The faults themselves stand in one table, FAULTS.

A rule, as JSON (`POST /api/control/faults`) or as a dict (`SandboxApi.order`):

    {"match": {"customer_id": "50000001007"}, "fault": "result_failed", "times": 2}
    {"match": {"customer_id": ["500000013*", "50000001700"]}, "fault": "http_500"}
    {"match": {"request_number": 3}, "fault": "reset_after_effect"}
    {"match": {"every": 10}, "fault": "http_429_seconds", "seconds": 2}
    {"match": {"rate": 0.1}, "fault": "slow", "seconds": 30, "times": null}
    {"match": {"every": 1}, "fault": "http_500", "endpoint": "token", "times": 1}

`match` takes one or more conditions, all of which must hold: customer_id (a request that holds
it; * and ? stand for any characters), request_number (from 1, for each endpoint), every (each
n-th request), rate (a probability, seeded; for the result_ faults drawn for each record).
`times` is how many requests it hits; null, the default, for ever. The first rule that matches
decides about the whole request; the result_ faults come on top.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from tests.sandbox.fault_table import FAULTS, Fault, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.sandbox.gk_records import Result

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Match(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The conditions of a rule; all that are given must hold."""

    customer_id: str | list[str] | None = None
    request_number: Count | None = None
    every: Count | None = None
    rate: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


class Order(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A rule as it is ordered. `seconds`, `bytes` and `location` are some faults' options."""

    match: Match
    fault: str
    times: Count | None = None
    endpoint: Literal["customers", "households", "token"] = "customers"
    seconds: Seconds | None = None
    bytes: Annotated[int, msgspec.Meta(ge=0)] | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The customers a rule names: exact ids, and patterns with * and ?."""

    exact: frozenset[str]
    pattern: re.Pattern[str] | None

    def are_all_absent_from(self, present: frozenset[str]) -> bool:
        """A quick no, for hundreds of rules with one id each."""
        return self.pattern is None and self.exact.isdisjoint(present)

    def __contains__(self, name: str) -> bool:
        return name in self.exact or bool(self.pattern and self.pattern.match(name))


@dataclass(slots=True)
class Rule:
    """An order in force, and how often it has hit."""

    serial: int
    order: Order
    fault: Fault
    names: Names | None
    hits: int = 0
    newest_dead_token: int | None = None  # http_401_until_refresh: tokens up to this one are dead

    @property
    def is_spent(self) -> bool:
        return self.order.times is not None and self.hits >= self.order.times

    @property
    def seconds(self) -> float:
        given = self.order.seconds
        return self.fault.seconds if given is None else given


@dataclass(frozen=True, slots=True)
class Call:
    """What the rules look at: one request's endpoint, number, records and credential.

    `newest_token` is the serial of the last token issued, `token` that of the one in use.
    """

    endpoint: str
    number: int
    ids: Sequence[str] = ()
    token: int = 0
    newest_token: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes wrong with one request: at most one fault for the whole, and forced results.

    `records` are positions in the request: for a fault of single entries, which ones.
    """

    whole: Rule | None = None
    records: tuple[int, ...] = ()
    results: dict[int, Result] = field(default_factory=dict)

    @property
    def refuses(self) -> bool:
        return self.whole is not None and self.whole.fault.stage is Stage.REFUSED


NOTHING_WRONG = Plan()


class Faults:
    """The rules in force. Safe from any thread; the same seed gives the same draws."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._ordered = 0

    def order(self, content: object) -> list[Rule]:
        """Take one rule or a list of them, all or none. Raises ValueError saying what is wrong."""
        given = content if isinstance(content, list) else [content]
        orders = [read_order(one) for one in given]
        with self._lock:
            rules = [self._rule(order) for order in orders]
            self._rules = [*self._rules, *rules]
        return rules

    def _rule(self, order: Order) -> Rule:
        self._ordered += 1
        return Rule(self._ordered, order, FAULTS[order.fault], names_of(order.match))

    def clear(self) -> int:
        """End all rules; how many there were."""
        with self._lock:
            count = len(self._rules)
            self._rules = []
        return count

    def listing(self) -> list[dict[str, Any]]:
        """The rules in force as JSON values, with `hits` and whether each one `is_spent`."""
        with self._lock:
            return [
                {**msgspec.to_builtins(rule.order), "hits": rule.hits, "is_spent": rule.is_spent}
                for rule in self._rules
            ]

    def plan(self, call: Call) -> Plan:
        """Decide what goes wrong with this request, and count the rules that hit."""
        if not self._rules:
            return NOTHING_WRONG
        whole: Rule | None = None
        records: tuple[int, ...] = ()
        results: dict[int, Result] = {}
        present = frozenset(call.ids)
        with self._lock:
            for rule in self._rules:
                found = self._found(rule, call, present)
                if found is None or (whole and rule.fault.result is None):
                    continue
                rule.hits += 1
                if rule.fault.result is not None:
                    results.update(dict.fromkeys(found, rule.fault.result))
                else:
                    whole, records = rule, found
        return Plan(whole, records, results)

    def _found(self, rule: Rule, call: Call, present: frozenset[str]) -> tuple[int, ...] | None:
        """The positions of the records that the rule hits; None where it leaves the call alone."""
        match = rule.order.match
        if rule.is_spent or rule.order.endpoint != call.endpoint:
            return None
        if match.request_number not in (None, call.number):
            return None
        if match.every is not None and call.number % match.every:
            return None
        if rule.names and rule.names.are_all_absent_from(present):
            return None
        found = named_records(rule, call.ids)
        if found is None or not self._is_drawn(rule, call):
            return None
        if rule.fault.result is not None:
            found = tuple(at for at in found if self._is_record_drawn(rule, call, at))
        if rule.fault.needs_records and not found:
            return None
        return found if is_still_refused(rule, call) else None

    def _is_drawn(self, rule: Rule, call: Call) -> bool:
        return rule.fault.result is not None or self._is_below_rate(rule, f"{call.number}")

    def _is_record_drawn(self, rule: Rule, call: Call, at: int) -> bool:
        return self._is_below_rate(rule, f"{call.number}.{call.ids[at]}")

    def _is_below_rate(self, rule: Rule, what: str) -> bool:
        rate = rule.order.match.rate
        if rate is None:
            return True
        text = f"{self._seed}.{rule.serial}.{what}"
        drawn = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest())
        return drawn < rate * 2**48


def read_order(content: object) -> Order:
    """One rule from JSON values. Raises ValueError with the field that is wrong and the remedy."""
    try:
        order = msgspec.convert(content, Order)
    except msgspec.ValidationError as error:
        raise ValueError(f"This is not a rule: {error}") from None
    if order.fault not in FAULTS:
        raise ValueError(f"No fault is called {order.fault!r}. There are: {', '.join(FAULTS)}.")
    if order.match == Match():
        raise ValueError('"match" is empty. Say which requests; {"every": 1} means all.')
    fault = FAULTS[order.fault]
    if order.endpoint == "token" and fault.needs_records:
        raise ValueError(f"{order.fault} needs records, and a token request has none.")
    return order


def names_of(match: Match) -> Names | None:
    if match.customer_id is None:
        return None
    names = [match.customer_id] if isinstance(match.customer_id, str) else match.customer_id
    globs = [name for name in names if "*" in name or "?" in name]
    pattern = "|".join(fnmatch.translate(name) for name in globs)
    return Names(frozenset(names), re.compile(pattern) if globs else None)


def named_records(rule: Rule, ids: Sequence[str]) -> tuple[int, ...] | None:
    """Positions of the records that a rule names; None where it names some and none is here.

    A rule that names nobody means every record; a fault of one entry then takes one, which
    changes from request to request.
    """
    if rule.names is not None:
        named = tuple(at for at, name in enumerate(ids) if name in rule.names)
        return named or None
    if rule.fault.stage is Stage.ENTRY:
        return (rule.hits % len(ids),) if ids else ()
    return tuple(range(len(ids)))


def is_still_refused(rule: Rule, call: Call) -> bool:
    """http_401_until_refresh leaves a token alone that was issued after the rule first hit."""
    if rule.fault.name != "http_401_until_refresh":
        return True
    if rule.newest_dead_token is None:
        rule.newest_dead_token = call.newest_token
    return call.token <= rule.newest_dead_token
