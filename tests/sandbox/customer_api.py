"""The fake customer API: the GK contract (facts/customer-apis.md), faults to order, an account.

    with running(SandboxApi(seed=1)) as url:
        requests.post(f"{url}/api/customers-import/v1/customers", json={"data": [...]}, ...)

What it serves below /api stands in `control.OFFERS`; the faults in `fault_table`; how to order
them in `faults`; who may call in `tokens.Access`.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
import zlib
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

from tests.sandbox import control
from tests.sandbox.account import Account, Change
from tests.sandbox.fault_replies import refuse, spoil, spoil_entries
from tests.sandbox.fault_table import Stage
from tests.sandbox.faults import Call, Faults, Plan
from tests.sandbox.gk_records import CUSTOMERS, HOUSEHOLDS, Result
from tests.sandbox.outage import Outage
from tests.sandbox.problems import encode, problem
from tests.sandbox.tokens import Access, Tokens
from tests.sandbox.web import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sandbox.faults import Rule
    from tests.sandbox.gk_records import Record, RecordKind
    from tests.sandbox.web import Request

CUSTOMERS_PATH = "/api/customers-import/v1/customers"
HOUSEHOLDS_PATH = "/api/customers-import/v1/households"
TOKEN_PATH = "/api/oauth/token"

MOST_BYTES = 10 * 1024 * 1024
REQUESTS_KEPT = 200
ANSWERS_KEPT = 10_000


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
        """Begin anew: no customers, no effects, no remembered answers, a new outage."""
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
            return control.handle(self, request)
        if request.method != "POST":
            return problem(405, "Only POST is served here.", request.path, [("Allow", "POST")])
        return answer(request)

    def _token(self, request: Request) -> Reply:
        number = self.account.count("token_requests")
        plan = self.faults.plan(Call("token", number))
        return self._faulted(plan, request, lambda: self.tokens.issue(request))

    def _import(self, request: Request, endpoint: str, kind: RecordKind[Any]) -> Reply:
        number = self.account.count("requests" if endpoint == "customers" else endpoint)
        self.received.append(request)
        token = self.tokens.serial(request)
        if token is None:
            refusal = [("WWW-Authenticate", "Bearer")]
            return problem(401, "The credential is missing or not valid.", request.path, refusal)
        records, wrong = self._read(request, kind)
        ids = [record.identity for record in records]
        plan = self.faults.plan(Call(endpoint, number, ids, token, self.tokens.issued))
        return self._faulted(
            plan, request, lambda: wrong or self._settled(request, kind.envelope, records, plan)
        )

    def _faulted(self, plan: Plan, request: Request, work: Callable[[], Reply]) -> Reply:
        """Do the work as the plan lets it be done, and count its fault."""
        for result in set(plan.results.values()):
            self.account.count_fault(f"result_{result.value.lower()}")
        if plan.whole is None:
            return work()
        self.account.count_fault(plan.whole.fault.name)
        if plan.refuses:
            return refuse(plan.whole, request.path)
        if plan.whole.fault.name == "slow":
            self._closing.wait(plan.whole.seconds)
        reply = work()
        return reply if reply.status >= 400 else spoil(plan.whole, reply, request.path)

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
        self, request: Request, envelope: str, records: list[Record], plan: Plan
    ) -> Reply:
        """Carry the records out, once for each idempotency key, and answer."""
        key = request.headers.get("idempotency-key", "")
        digest = hashlib.sha256(request.body).digest() if key else b""
        with self._one_at_a_time:
            known, reply = self._answers.get(key, (digest, None))
            if known != digest:
                return problem(422, "This Idempotency-Key came with other bytes.", request.path)
            if reply is None:
                reply, has_effect = self._carry_out(request.body, envelope, records, plan)
                if key and has_effect:
                    self._remember(key, digest, reply)
            else:
                self.account.count("replays")
        if plan.whole and plan.whole.fault.stage is Stage.ENTRY:
            return spoil_entries(plan.whole, reply, envelope, [records[at] for at in plan.records])
        return reply

    def _remember(self, key: str, digest: bytes, reply: Reply) -> None:
        self._answers[key] = (digest, reply)
        if len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)

    def _carry_out(
        self, body: bytes, envelope: str, records: list[Record], plan: Plan
    ) -> tuple[Reply, bool]:
        """Settle every record; the answer in shuffled order, and whether anything was stored."""
        down = self.outage.hit([record.identity for record in records])
        changes = []
        for at, record in enumerate(records):
            refused = plan.results.get(at) or (Result.ERROR if record.reason else None)
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
