"""The faults of the fake customer API: which there are, which request each one hits, and what
it does.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from config.dev.sandbox.gk_records import Result
from config.dev.sandbox.http_server import Reply, encode, problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from config.dev.sandbox.gk_records import Record


class Stage(StrEnum):
    """When a fault strikes, which is what decides whether the records were stored."""

    REFUSED = "refused"  # before anything is stored: no record has an effect
    RECORD = "record"  # the named records are not stored and say so; the others are
    ENTRY = "entry"  # everything is stored; single entries of the answer are wrong
    ANSWER = "answer"  # everything is stored; the answer as a whole goes wrong


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `seconds` is the default of its option: a delay, or what Retry-After says."""

    name: str
    stage: Stage
    what: str
    means: str  # the class of answer in design.md
    status: int | None = None
    result: Result | None = None
    seconds: float = 0.0

    @property
    def needs_records(self) -> bool:
        return self.stage in (Stage.RECORD, Stage.ENTRY)


REFUSED, RECORD, ENTRY, ANSWER = Stage.REFUSED, Stage.RECORD, Stage.ENTRY, Stage.ANSWER

TABLE = (
    Fault("http_400", REFUSED, "400 problem that names no record", "rejected: bisect", 400),
    Fault("http_401", REFUSED, "401, whatever the credential", "refresh once, then pause", 401),
    Fault(
        "http_401_until_refresh", REFUSED,
        "401 for every token issued before this rule first hit; a newer one works",
        "refresh once and resend", 401,
    ),
    Fault("http_403", REFUSED, "403 problem", "nobody's record: pause", 403),
    Fault("http_404", REFUSED, "404 problem", "nobody's record: pause", 404),
    Fault("http_408", REFUSED, "408 problem", "unknown", 408),
    Fault("http_413", REFUSED, "413 problem", "rejected: bisect", 413),
    Fault("http_415", REFUSED, "415 problem", "nobody's record: pause", 415),
    Fault("http_422", REFUSED, "422 problem that names no record", "rejected: bisect", 422),
    Fault(
        "http_429_seconds", REFUSED, "429 with Retry-After in `seconds`",
        "deferred, costs no attempt", 429, seconds=1.0,
    ),
    Fault(
        "http_429_date", REFUSED, "429 with Retry-After as a date, `seconds` from now",
        "deferred, costs no attempt", 429, seconds=1.0,
    ),
    Fault(
        "http_503_retry_after", REFUSED, "503 with Retry-After in `seconds`",
        "deferred, costs no attempt", 503, seconds=1.0,
    ),
    Fault("http_500", REFUSED, "500 problem, nothing stored", "unknown", 500),
    Fault(
        "redirect", REFUSED,
        "307 to `location`; by default to the same address, so that following it shows",
        "configuration error: pause", 307,
    ),
    Fault("reset_before_effect", REFUSED, "RST instead of an answer, nothing stored", "unknown"),
    Fault("http_500_after_effect", ANSWER, "500 problem, but stored", "unknown", 500),
    Fault("reset_after_effect", ANSWER, "RST instead of an answer, but stored", "unknown"),
    Fault(
        "early_close", ANSWER,
        "stored; the body ends after `bytes` (half of it by default) of the promised length",
        "unknown",
    ),
    Fault(
        "slow", ANSWER, "waits `seconds`, then stores and answers, even when the client has left",
        "unknown after a read timeout", seconds=5.0,
    ),
    Fault(
        "slow_after_effect", ANSWER, "stores at once, answers after `seconds`",
        "unknown after a read timeout", seconds=5.0,
    ),
    Fault(
        "drip", ANSWER, "stored; the body comes byte by byte, `seconds` apart",
        "unknown after the deadline of the whole request", seconds=0.05,
    ),
    Fault("unreadable_2xx", ANSWER, "stored; 201 with an HTML page", "unknown", 201),
    Fault("empty_2xx", ANSWER, "stored; 201 with no body", "unknown", 201),
    Fault("missing_entry", ENTRY, "stored; the answer leaves a record out", "that one is unknown"),
    Fault("doubled_entry", ENTRY, "stored; a record is answered twice", "that one is unknown"),
    Fault("result_failed", RECORD, "FAILED, not stored", "retryable", result=Result.FAILED),
    Fault("result_error", RECORD, "ERROR, not stored", "permanent", result=Result.ERROR),
    Fault(
        "result_conflict", RECORD, "CONFLICT, not stored", "already exists",
        result=Result.CONFLICT,
    ),
)  # fmt: skip

FAULTS = {fault.name: fault for fault in TABLE}


def explained() -> list[dict[str, object]]:
    """The table as JSON values."""
    return [
        {
            "fault": fault.name,
            "stored": fault.stage not in (REFUSED, RECORD),
            "what": fault.what,
            "means": fault.means,
            "seconds": fault.seconds or None,
        }
        for fault in TABLE
    ]


Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Match(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The conditions of a rule; all that are given must hold."""

    customer_id: str | list[str] | None = None
    request_number: Count | None = None
    every: Count | None = None
    rate: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None

    @property
    def names(self) -> Names | None:
        """The customers that are named; None where every request is meant."""
        if self.customer_id is None:
            return None
        names = [self.customer_id] if isinstance(self.customer_id, str) else self.customer_id
        globs = [name for name in names if "*" in name or "?" in name]
        pattern = "|".join(fnmatch.translate(name) for name in globs)
        return Names(frozenset(names), re.compile(pattern) if globs else None)


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

    def named_records(self, ids: Sequence[str]) -> tuple[int, ...] | None:
        """Positions of the records that the rule names; None where it names some and none is here.

        A rule that names nobody means every record; a fault of one entry then takes one, which
        changes from request to request.
        """
        if self.names is not None:
            named = tuple(at for at, name in enumerate(ids) if name in self.names)
            return named or None
        if self.fault.stage is Stage.ENTRY:
            return (self.hits % len(ids),) if ids else ()
        return tuple(range(len(ids)))

    def is_still_refused(self, call: Call) -> bool:
        """http_401_until_refresh leaves a token alone that was issued after the rule first hit."""
        if self.fault.name != "http_401_until_refresh":
            return True
        if self.newest_dead_token is None:
            self.newest_dead_token = call.newest_token
        return call.token <= self.newest_dead_token

    def refusal(self, path: str) -> Reply:
        """The answer to a request that stored nothing."""
        fault = self.fault
        if fault.status is None:
            return Reply(reset=True)
        headers: list[tuple[str, str]] = []
        if fault.status == 401:
            headers.append(("WWW-Authenticate", 'Bearer error="invalid_token"'))
        elif fault.name == "http_429_date":
            headers.append(("Retry-After", formatdate(time.time() + self.seconds, usegmt=True)))
        elif fault.status in (429, 503):
            headers.append(("Retry-After", f"{self.seconds:g}"))
        elif fault.status == 307:
            headers.append(("Location", self.order.location or path))
        return problem(fault.status, f"Ordered from the sandbox: {fault.what}.", path, headers)

    def spoiled(self, reply: Reply, path: str) -> Reply:
        """The answer to a request that was carried out, gone wrong on its way back."""
        match self.fault.name:
            case "http_500_after_effect":
                return problem(500, "Ordered from the sandbox: stored all the same.", path)
            case "reset_after_effect":
                return replace(reply, reset=True)
            case "early_close":
                given = self.order.bytes
                return replace(reply, cut_after=len(reply.body) // 2 if given is None else given)
            case "slow_after_effect":
                return replace(reply, delay_seconds=self.seconds)
            case "drip":
                return replace(reply, drip_seconds=self.seconds)
            case "unreadable_2xx":
                return replace(
                    reply,
                    body=b"<!doctype html><title>Gateway</title>"
                    b"<h1>We are improving our service</h1>",
                    content_type="text/html",
                )
            case "empty_2xx":
                return replace(reply, body=b"")
        return reply

    def with_entries_spoiled(self, reply: Reply, envelope: str, records: list[Record]) -> Reply:
        """Leave out, or answer twice, the entries of these records."""
        echoes = [without_result(msgspec.to_builtins(record.entry)) for record in records]
        times = 0 if self.fault.name == "missing_entry" else 2
        spoiled: list[dict[str, Any]] = []
        for entry in msgspec.json.decode(reply.body)[envelope]:
            spoiled += [entry] * (times if without_result(entry) in echoes else 1)
        return replace(reply, body=encode({envelope: spoiled}))


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
class Injection:
    """What goes wrong with one request: at most one fault for the whole, and forced results.

    `records` are positions in the request: for a fault of single entries, which ones.
    """

    whole: Rule | None = None
    records: tuple[int, ...] = ()
    results: dict[int, Result] = field(default_factory=dict)

    @property
    def refuses(self) -> bool:
        return self.whole is not None and self.whole.fault.stage is Stage.REFUSED


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
        return Rule(self._ordered, order, FAULTS[order.fault], order.match.names)

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

    def injection(self, call: Call) -> Injection:
        """Decide what goes wrong with this request, and count the rules that hit."""
        if not self._rules:
            return Injection()
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
        return Injection(whole, records, results)

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
        found = rule.named_records(call.ids)
        if found is None or not self._is_drawn(rule, call):
            return None
        if rule.fault.result is not None:
            found = tuple(at for at in found if self._is_record_drawn(rule, call, at))
        if rule.fault.needs_records and not found:
            return None
        return found if rule.is_still_refused(call) else None

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


def without_result(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "result"}


HIT_BY_OUTAGE = frozenset(
    str(number) for first in (50000001300, 50000001700) for number in range(first, first + 50)
)


class Outage:
    """Counts the tries of each customer that the outage hits. Safe from any thread.

    `memory` is a file that carries the counts over a restart of the sandbox; without one each
    start begins from zero.
    """

    def __init__(self, tries: int = 0, memory: Path | None = None) -> None:
        self.tries = tries
        self._memory = memory
        self._lock = threading.Lock()
        self._tried: Counter[str] = Counter()
        if memory and memory.exists():
            self._tried.update(json.loads(memory.read_text()))

    def hit(self, ids: Sequence[str]) -> frozenset[str]:
        """Which of these customers fail this time. Counts the try."""
        if not self.tries or HIT_BY_OUTAGE.isdisjoint(ids):
            return frozenset()
        with self._lock:
            hit = {name for name in HIT_BY_OUTAGE.intersection(ids) if self._is_down(name)}
            self._tried.update(hit)
            if hit:
                self._remember()
        return frozenset(hit)

    def _is_down(self, name: str) -> bool:
        return self._tried[name] < self.tries

    def repair(self) -> int:
        """End the outage for everybody; the number of customers it still hit."""
        with self._lock:
            still_down = [name for name in HIT_BY_OUTAGE if self._is_down(name)]
            self._tried.update(dict.fromkeys(still_down, self.tries))
            self._remember()
        return len(still_down)

    def begin_anew(self) -> None:
        """Forget all tries, so that the story can be played once more."""
        with self._lock:
            self._tried.clear()
            self._remember()

    def _remember(self) -> None:
        if self._memory:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            beside = self._memory.with_suffix(".new")
            beside.write_text(json.dumps(self._tried))
            beside.replace(self._memory)
