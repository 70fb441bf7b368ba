"""OData `$batch` as multipart/mixed: against a fake, and answers that prove nothing."""

from __future__ import annotations

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any

import pytest

from imports.customers.api.adapters import ADAPTERS
from imports.customers.api.adapters.base import Batch
from imports.customers.api.adapters.odata_batch import parts_of
from imports.customers.api.mapping import Mapping, RecordKey
from imports.policy import Outcome, Verdict
from tests.imports.customers.apis.fakes import Fake, Reply
from tests.imports.customers.posting import client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

    from tests.imports.customers.scripted_server import Received

MAPPING = Mapping.from_document(
    {
        "accepted": [200, 202],
        "adapter": "odata-batch",
        "adapter_options": {"path": "Customers", "assigned": "ID"},
        "record": {"id": ["no"]},
        "codes": {"exists": ["DUP"]},
        "refusal_stored_nothing": False,
    }
)


class OData(Fake):
    """Answers each request of a batch; `keeps_ids` says whether it names them."""

    def __init__(self, *, keeps_ids: bool = True, drops: int = 0) -> None:
        super().__init__()
        self.keeps_ids, self.drops = keeps_ids, drops

    def handle(self, request: Received) -> Reply:
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        whole = BytesParser(policy=HTTP).parsebytes(head + request.body)
        parts = [self._answered(part) for part in whole.iter_parts()]
        kept = parts[self.drops :]
        if self.keeps_ids:
            kept.reverse()
        body = "".join(f"--r\r\n{part}\r\n" for part in kept) + "--r--\r\n"
        return Reply(200, body.encode(), {"Content-Type": "multipart/mixed; boundary=r"})

    def _answered(self, part: Message) -> str:
        raw: Any = part.get_payload(decode=True)
        line, record = raw.split(b"\r\n", 1)[0], json.loads(raw.rpartition(b"\r\n\r\n")[2])
        assert line == b"POST Customers HTTP/1.1"
        name = f"Content-ID: {part['Content-ID']}\r\n" if self.keeps_ids else ""
        good = self.take(record)
        status = "201 Created" if good else "409 Conflict"
        result = (
            {"ID": f"g-{record['no']}"} if good else {"error": {"code": "DUP", "message": "x"}}
        )
        return (
            f"Content-Type: application/http\r\n{name}\r\n"
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\r\n{json.dumps(result)}"
        )


def sent(fake: Fake, *wishes: str) -> Outcome:
    records = [json.dumps({"no": f"M{n}", "wish": wish}).encode() for n, wish in enumerate(wishes)]
    keys = [RecordKey(f"M{n}") for n in range(len(wishes))]
    with fake.serve() as server, client(server.url, mapping=MAPPING) as one:
        return ADAPTERS["odata-batch"].step(one, Batch(records, keys, "key-1"))


def of_each(outcome: Outcome) -> list[tuple[str, str, str]]:
    each = outcome.records or outcome.judged
    return [(r.verdict.value, r.code, r.assigned) for r in each]


@pytest.mark.parametrize("keeps_ids", [True, False])
def test_each_record_has_its_own_answer(keeps_ids: bool) -> None:
    fake = OData(keeps_ids=keeps_ids)
    outcome = sent(fake, "store", "refuse", "store")
    assert outcome.verdict is Verdict.MIXED
    assert of_each(outcome) == [
        ("success", "", "g-M0"), ("rejected", "CONFLICT", ""), ("success", "", "g-M2"),
    ]  # fmt: skip
    assert fake.stored == {"M0": 1, "M2": 1}


@pytest.mark.parametrize("keeps_ids", [True, False])
def test_an_answer_with_a_part_too_few_is_success_for_nobody_whom_it_may_miss(
    keeps_ids: bool,
) -> None:
    outcome = sent(OData(keeps_ids=keeps_ids, drops=1), "store", "store")
    found = [verdict for verdict, _code, _id in of_each(outcome)]
    assert found == (["unknown", "success"] if keeps_ids else ["unknown", "unknown"])


def replies() -> Iterator[Reply]:
    for body in (b"", b"{}", b"<html>", b"--r--\r\n", b"--r\r\n\r\nHTTP/1.1 2xx\r\n\r\n--r--"):
        yield Reply(200, body, {"Content-Type": "multipart/mixed; boundary=r"})
        yield Reply(200, body, {"Content-Type": "application/json"})
    yield Reply(500)
    yield Reply(202)


@pytest.mark.parametrize("reply", list(replies()))
def test_what_is_no_multipart_answer_proves_nothing(reply: Reply) -> None:
    fake = OData()
    fake.before = lambda _request: reply
    outcome = sent(fake, "store", "store")
    assert outcome.verdict is Verdict.UNKNOWN


def test_answers_inside_a_change_set_are_found() -> None:
    inner = (
        "--c\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\n"
        "HTTP/1.1 204 No Content\r\n\r\n--c--\r\n"
    )
    body = f"--r\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{inner}\r\n--r--\r\n"
    found = parts_of("multipart/mixed; boundary=r", body.encode())
    assert found is not None
    assert [(part.name, part.status) for part in found] == [("0", 204)]
