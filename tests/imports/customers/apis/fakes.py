"""Customer APIs that are among no presets, each faithful to a kind, on real sockets.

Each keeps the truth: how often it stored whom. It refuses whom the records themselves say
(`"wish": "refuse"`), and a test says what else goes wrong.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.imports.customers.scripted_server import Server, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.imports.customers.scripted_server import Connection, Received


class Reply(NamedTuple):
    """What a fake answers."""

    status: int
    body: Any = b""
    headers: dict[str, str] = {}


class Fake:
    """An API. `handle` answers one request; `stored` counts what it stored of whom."""

    def __init__(self) -> None:
        self.stored: Counter[str] = Counter()
        self.requests: list[Received] = []
        self.before: Callable[[Received], Reply | None] = lambda _request: None

    def serve(self) -> Server:
        return Server(self._act)

    def _act(self, connection: Connection, request: Received) -> None:
        self.requests.append(request)
        reply = self.before(request) or self.handle(request)
        connection.sendall(answer(reply.status, reply.body, **reply.headers))

    def handle(self, request: Received) -> Reply:
        raise NotImplementedError

    def take(self, record: dict[str, Any], name: str = "no") -> bool:
        """Store one record unless it wants to be refused."""
        if record.get("wish") == "refuse":
            return False
        self.stored[str(record[name])] += 1
        return True

    def posts(self) -> list[Received]:
        return [request for request in self.requests if request.method != "GET"]


class KeyedMap(Fake):
    """Takes a map by number, and answers with a map by number; an empty one is a PHP list."""

    def handle(self, request: Received) -> Reply:
        outcomes = {}
        for number, record in json.loads(request.body)["members"].items():
            good = self.take(record)
            outcomes[number] = (
                {"state": "ok"} if good else {"state": "no", "why": {"17": "too young"}}
            )
        return Reply(200, {"outcome": outcomes or []})


class IndexedFailures(Fake):
    """Answers 207 and lists the failures only, by their number in the list, from 1."""

    def handle(self, request: Received) -> Reply:
        failed = [
            {"row": number, "reason": 4711, "text": "no such street"}
            for number, record in enumerate(json.loads(request.body), 1)
            if not self.take(record)
        ]
        return Reply(207, {"failed": failed, "failedCount": len(failed)})


class TokenInside(Fake):
    """Answers 200 to everything, also to a token that it does not know."""

    def handle(self, request: Received) -> Reply:
        if request.headers.get("x-token") != "right":
            return Reply(200, {"ok": False, "error": {"code": "E_TOKEN", "text": "token expired"}})
        items = [
            {"no": record["no"], "done": self.take(record), "msg": "", "key": f"K{record['no']}"}
            for record in json.loads(request.body)["body"]["items"]
        ]
        return Reply(200, {"ok": True, "items": items})


class OnceByKey(Fake):
    """Stores what comes with one key once, and loses its first answer behind a gateway."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Reply] = {}

    def handle(self, request: Received) -> Reply:
        document = json.loads(request.body)
        key = document["requestId"]
        if key in self.answers:
            return self.answers[key]
        rows = [{"no": each["no"], "ok": self.take(each)} for each in document["rows"]]
        self.answers[key] = Reply(200, {"rows": rows})
        return Reply(504, b"<h1>Gateway time-out</h1>")


class OneByOne(Fake):
    """Takes one record for each request, at an address of its own, and echoes it."""

    def handle(self, request: Received) -> Reply:
        record = json.loads(request.body)
        if request.method != "PUT" or request.path != f"/v1/members/{record['no']}":
            return Reply(404)
        if not self.take(record):
            return Reply(422, {"errors": [{"field": "city", "message": "unknown city"}]})
        return Reply(200, {"member": {"internalId": f"i-{record['no']}"}})


class SubmitAndPoll(Fake):
    """Takes a batch on, works by itself, and gives the results in pages of two."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, list[dict[str, Any]]] = {}
        self.asks_until_done = 2
        self.asked: Counter[str] = Counter()

    def handle(self, request: Received) -> Reply:
        parts = request.path.partition("?")[0].strip("/").split("/")
        if request.method == "POST":
            job = f"job {len(self.jobs) + 1}"
            self.jobs[job] = [
                {"no": record["no"], "result": "STORED" if self.take(record) else "INVALID"}
                for record in json.loads(request.body)["rows"]
            ]
            return Reply(202, {"job": {"ref": job}})
        job = parts[2].replace("%20", " ")
        if job not in self.jobs:
            return Reply(404)
        if parts[-1] == "results":
            return self._page(job, int(request.path.partition("page=")[2] or 0))
        self.asked[job] += 1
        state = "DONE" if self.asked[job] >= self.asks_until_done else "WORKING"
        return Reply(200, {"state": state})

    def _page(self, job: str, page: int) -> Reply:
        rows = self.jobs[job]
        more = page + 1 if (page + 1) * 2 < len(rows) else None
        return Reply(200, {"rows": rows[page * 2 : page * 2 + 2], "next": more})
