"""The fake customer API: the GK contract, faults to order, and a count of every effect on each
customer.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
import zlib
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from config.dev.sandbox.faults import Call, Faults, Injection, Outage, Stage, explained
from config.dev.sandbox.gk_records import CUSTOMERS, HOUSEHOLDS, Result
from config.dev.sandbox.http_server import Reply, encode, json_reply, problem
from config.dev.sandbox.tokens import Access, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from config.dev.sandbox.faults import Rule
    from config.dev.sandbox.gk_records import Record, RecordKind
    from config.dev.sandbox.http_server import Request

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
        """Forget all customers, effects and counts."""
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


OFFERS = {
    "POST /api/customers-import/v1/customers": 'the GK import: {"data": [up to 100 customers]}',
    "POST /api/customers-import/v1/households": 'its twin: {"households": [up to 100]}',
    "POST /api/oauth/token": "OAuth2: password grant and client credentials",
    "GET /api/account": "every effect, counted; ?summary leaves the customers out",
    "GET /api/account/customers/ID": "one customer: effects, stored record, why refused",
    "DELETE /api/account": "begin anew, with no customers",
    "POST /api/control/faults": "order a fault (a rule, or a list of rules)",
    "GET /api/control/faults": "the rules in force; ?help explains every fault",
    "DELETE /api/control/faults": "end the ordered faults",
    "POST /api/control/repair": "the cause is fixed: end the ordered faults and the outage",
}
CUSTOMER_PATH = "/api/account/customers/"


def handle(api: SandboxApi, request: Request) -> Reply:
    """Answer everything below /api that is not the API proper; 404 for what doesn't exist."""
    match request.method, request.path.rstrip("/"):
        case "GET", "/api":
            return json_reply(OFFERS)
        case "GET", "/api/account":
            with_customers = "summary" not in request.query
            return json_reply(api.account.summary(with_customers=with_customers))
        case "DELETE", "/api/account":
            api.forget()
            return json_reply({"forgotten": True})
        case "GET", path if path.startswith(CUSTOMER_PATH):
            return json_reply(api.account.customer(path.removeprefix(CUSTOMER_PATH)))
        case "POST", "/api/control/faults":
            return order(api, request)
        case "GET", "/api/control/faults":
            is_help = "help" in request.query
            return json_reply({"faults": explained()} if is_help else rules(api))
        case "DELETE", "/api/control/faults":
            return json_reply({"cleared": api.clear()})
        case "POST", "/api/control/repair":
            api.repair()
            return json_reply({"repaired": True})
    return problem(404, "Nothing here. GET /api says what there is.", request.path)


def order(api: SandboxApi, request: Request) -> Reply:
    try:
        api.order(msgspec.json.decode(request.body))
    except ValueError as error:  # also what msgspec raises for bytes that are not JSON
        return problem(422, str(error), request.path)
    return json_reply(rules(api), 201)


def rules(api: SandboxApi) -> dict[str, object]:
    return {"rules": api.faults.listing()}


CUSTOMERS_PATH = "/api/customers-import/v1/customers"
HOUSEHOLDS_PATH = "/api/customers-import/v1/households"
TOKEN_PATH = "/api/oauth/token"

MOST_BYTES = 10 * 1024 * 1024
REQUESTS_KEPT = 200


class SandboxApi:
    """The API as a `Site`. Everything in it can be reached from a test, and over HTTP.

    `seed` fixes the order of answers and the draws of rates. `outage_tries` turns the story of
    outage.py on (0: off). `success_status` is 201, or 200 as some installations have it.
    `clock` (seconds) decides when a token expires. `received` holds the last requests to the
    import addresses, oldest first, for tests that look at headers and bytes.

    Header Idempotency-Key: the same key with the same bytes gets the first answer and has no
    second effect; with other bytes, 422. An answer without any effect is not remembered, so
    that trying again is a new try.
    """

    prefix = "/api"

    def __init__(
        self,
        seed: int = 1,
        *,
        access: Access | None = None,
        outage_tries: int = 0,
        outage_memory: Path | None = None,
        success_status: int = 201,
        max_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.account = Account()
        self.faults = Faults(seed)
        self.tokens = Tokens(access or Access(), seed, clock)
        self.outage = Outage(outage_tries, outage_memory)
        self.received: deque[Request] = deque(maxlen=REQUESTS_KEPT)
        self._seed = seed
        self._success_status = success_status
        self._max_bytes = max_bytes
        self._one_at_a_time = threading.Lock()
        self._answers: OrderedDict[str, tuple[bytes, Reply]] = OrderedDict()
        self._closing = threading.Event()
        self._posts: dict[str, Callable[[Request], Reply]] = {
            CUSTOMERS_PATH: lambda request: self._import(request, "customers", CUSTOMERS),
            HOUSEHOLDS_PATH: lambda request: self._import(request, "households", HOUSEHOLDS),
            TOKEN_PATH: self._token,
        }

    def order(self, rule: object) -> list[Rule]:
        """Order one fault (a dict, see faults.py) or a list. Raises ValueError for a wrong one."""
        return self.faults.order(rule)

    def clear(self) -> int:
        """End all ordered faults; how many there were. The outage goes on: see `repair`."""
        return self.faults.clear()

    def repair(self) -> None:
        """The cause is fixed: end the ordered faults and the outage."""
        self.faults.clear()
        self.outage.repair()

    def forget(self) -> None:
        """Forget all customers, effects and answers, and start a new outage."""
        with self._one_at_a_time:
            self._answers.clear()
            self.account.forget()
        self.outage.begin_anew()

    def close(self) -> None:
        """End the waiting of `slow` requests; the server calls it when it stops.

        The API can be served again afterwards, with all that it knows.
        """
        closing, self._closing = self._closing, threading.Event()
        closing.set()

    def handle(self, request: Request) -> Reply:
        answer = self._posts.get(request.path)
        if answer is None:
            return handle(self, request)
        if request.method != "POST":
            return problem(405, "Only POST is served here.", request.path, [("Allow", "POST")])
        return answer(request)

    def _token(self, request: Request) -> Reply:
        number = self.account.count("token_requests")
        injected = self.faults.injection(Call("token", number))
        return self._faulted(injected, request, lambda: self.tokens.issue(request))

    def _import(self, request: Request, endpoint: str, kind: RecordKind[Any]) -> Reply:
        number = self.account.count("requests" if endpoint == "customers" else endpoint)
        self.received.append(request)
        token = self.tokens.serial(request)
        if token is None:
            refusal = [("WWW-Authenticate", "Bearer")]
            return problem(401, "The credential is missing or not valid.", request.path, refusal)
        records, wrong = self._read(request, kind)
        ids = [record.identity for record in records]
        injected = self.faults.injection(Call(endpoint, number, ids, token, self.tokens.issued))
        return self._faulted(
            injected,
            request,
            lambda: wrong or self._settled(request, kind.envelope, records, injected),
        )

    def _faulted(self, injected: Injection, request: Request, work: Callable[[], Reply]) -> Reply:
        """Do what the planned fault allows, and count the fault."""
        for result in set(injected.results.values()):
            self.account.count_fault(f"result_{result.value.lower()}")
        if injected.whole is None:
            return work()
        self.account.count_fault(injected.whole.fault.name)
        if injected.refuses:
            return injected.whole.refusal(request.path)
        if injected.whole.fault.name == "slow":
            self._closing.wait(injected.whole.seconds)
        reply = work()
        return reply if reply.status >= 400 else injected.whole.spoiled(reply, request.path)

    def _read(self, request: Request, kind: RecordKind[Any]) -> tuple[list[Record], Reply | None]:
        """The records of a body, or no records and the answer that refuses it."""
        if len(request.body) > self._max_bytes:
            return [], problem(413, f"At most {self._max_bytes} bytes.", request.path)
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            return [], problem(415, "Content-Type must be application/json.", request.path)
        try:
            return kind.read(request.body), None
        except (ValueError, RecursionError) as error:  # a ValueError too for what is not JSON
            return [], problem(400, str(error), request.path)

    def _settled(
        self, request: Request, envelope: str, records: list[Record], injected: Injection
    ) -> Reply:
        """Carry the records out, once for each idempotency key, and answer."""
        key = request.headers.get("idempotency-key", "")
        digest = hashlib.sha256(request.body).digest() if key else b""
        with self._one_at_a_time:
            known, reply = self._answers.get(key, (digest, None))
            if known != digest:
                return problem(422, "This Idempotency-Key came with other bytes.", request.path)
            if reply is None:
                reply, has_effect = self._carry_out(request.body, envelope, records, injected)
                if key and has_effect:
                    self._remember(key, digest, reply)
            else:
                self.account.count("replays")
        if injected.whole and injected.whole.fault.stage is Stage.ENTRY:
            return injected.whole.with_entries_spoiled(
                reply, envelope, [records[at] for at in injected.records]
            )
        return reply

    def _remember(self, key: str, digest: bytes, reply: Reply) -> None:
        self._answers[key] = (digest, reply)
        if len(self._answers) > 10_000:
            self._answers.popitem(last=False)

    def _carry_out(
        self, body: bytes, envelope: str, records: list[Record], injected: Injection
    ) -> tuple[Reply, bool]:
        """Settle every record; the answer in shuffled order, and whether anything was stored."""
        down = self.outage.hit([record.identity for record in records])
        changes = []
        for at, record in enumerate(records):
            refused = injected.results.get(at) or (Result.ERROR if record.reason else None)
            if refused is None and record.identity in down:
                refused = Result.FAILED
            source = (body, envelope, at)
            changes.append(
                Change(record.identity, record.entry.changeType, source, refused, record.reason)
            )
        results = self.account.settle(changes)
        for record, result in zip(records, results, strict=True):
            record.entry.result = result
        entries = [record.entry for record in records]
        random.Random(self._seed ^ zlib.crc32(body)).shuffle(entries)
        reply = Reply(self._success_status, encode({envelope: entries}))
        return reply, Result.SUCCESS in results
