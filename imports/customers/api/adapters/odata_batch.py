"""OData `$batch`: one multipart request that holds a request for each record.

Each answer names its request by Content-ID; without, "the service MUST respond to the requests in
the order they were sent" (OData 4.01, part 1, section 11.7.7.1).
"""

from __future__ import annotations

from dataclasses import replace
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, NamedTuple

from imports.customers.api.adapters.base import Request, ask
from imports.customers.api.answers.body import NotDecoded, decoded
from imports.customers.api.answers.fixed import DOUBLED, NOT_IN_ANSWER
from imports.customers.api.json_paths import as_name, find
from imports.customers.api.record_results import (
    failure_of,
    group_of,
)
from imports.customers.api.requests import (
    CannotBuild,
    Source,
    filled_url,
)
from imports.customers.api.responses import summed
from imports.messages import Said, sentence
from imports.messages import marked as _
from imports.policy import Outcome, RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

    from imports.customers.api.adapters.base import Batch
    from imports.customers.api.client import Client
    from imports.customers.api.mapping import Mapping
    from imports.customers.api.responses import Exchange

BOUNDARY = "batch_redrive"
NOT_READ = sentence(
    "ODATA_NOT_READ", _("The API's answer is not the multipart/mixed that $batch answers with.")
)
PART_UNSURE = sentence(
    "ODATA_PART_UNSURE",
    _("For this customer the API answered HTTP {status}{why}: it may be stored or not."),
)
CODES = ("error.code", "error.message.code", "odata.error.code")
MESSAGES = ("error.message", "error.message.value", "odata.error.message.value")


class Part(NamedTuple):
    """One answer inside the answer. `name`: its Content-ID, "" if it has none."""

    name: str
    status: int
    body: bytes


class ODataBatch:
    """`adapter_options`: path (with {id} or another field), method, and assigned (a path)."""

    name = "odata-batch"
    submits = False

    def step(self, client: Client, batch: Batch) -> Outcome:
        """All in one step: what is lost is unknown, as for any other request."""
        mapping = client.endpoint.mapping
        try:
            body = multipart(batch, mapping)
        except CannotBuild as error:
            verdict = Verdict.SPLIT if len(batch.keys) > 1 else Verdict.REJECTED
            return Outcome(verdict, "CANNOT_BUILD", error.message)
        headers = {
            "Content-Type": f"multipart/mixed; boundary={BOUNDARY}",
            "Accept": "multipart/mixed",
            "OData-Version": "4.0",
            "Prefer": "odata.continue-on-error",
        }
        sent = client.exchange_of(batch.keys)
        asked = ask(client, Request("POST", client.endpoint.url, body, headers), batch.keys)
        if asked.answer is None and asked.outcome.verdict is Verdict.UNKNOWN:
            outcome = asked.outcome
            return sent.unsure(outcome.code, outcome.message, outcome.http_status)
        if asked.answer is None or not asked.is_good:
            return asked.outcome
        parts = parts_of(asked.answer.headers.get("content-type", ""), asked.answer.body)
        if parts is None:
            return sent.unsure("ANSWER_UNREADABLE", NOT_READ)
        outcome = summed(judge_parts(parts, mapping, sent), sent)
        return replace(outcome, http_status=asked.answer.status, answer=asked.outcome.answer)


def multipart(batch: Batch, mapping: Mapping) -> bytes:
    """The body: for each record a request of its own. Raises CannotBuild."""
    options = mapping.adapter_options
    method, path = options.get("method", "POST"), options.get("path", "Customers")
    pieces = []
    for index, raw in enumerate(batch.records):
        target = filled_url(path, Source(raw, index, batch.key, mapping))
        head = (
            f"--{BOUNDARY}\r\nContent-Type: application/http\r\n"
            f"Content-Transfer-Encoding: binary\r\nContent-ID: {index}\r\n\r\n"
            f"{method} {target} HTTP/1.1\r\nContent-Type: application/json\r\n"
            f"Accept: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        pieces.append(head.encode() + raw + b"\r\n")
    return b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()


def parts_of(content_type: str, body: bytes) -> list[Part] | None:
    """The answers inside a multipart answer; None if it is none."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    whole = BytesParser(policy=HTTP).parsebytes(head + body)
    if whole.get_content_maintype() != "multipart" or not whole.is_multipart():
        return None
    found = [_part(each) for each in _leaves(whole)]
    return None if None in found else [part for part in found if part is not None]


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold an answer; those of a change set stand a level deeper."""
    if message.get_content_type() == "application/http" or not message.is_multipart():
        yield message
        return
    for part in message.get_payload():
        if not isinstance(part, str):
            yield from _leaves(part)


def _part(message: Message) -> Part | None:
    payload = message.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    head, _blank, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    words = head.split(b"\n")[0].split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return None
    inside = {
        name.strip().lower(): value.strip().decode("latin-1")
        for name, _colon, value in (line.partition(b":") for line in head.split(b"\n")[1:])
    }
    name = str(message.get("Content-ID", "")) or inside.get(b"content-id", "")
    return Part(name.strip().strip("<>"), int(words[1]), body.strip())


def judge_parts(parts: list[Part], mapping: Mapping, sent: Exchange) -> list[RecordOutcome]:
    """One outcome for each record: by Content-ID, or by order where no answer has one."""
    size = len(sent.keys)
    if all(not part.name for part in parts):
        if len(parts) != size:
            return [NOT_IN_ANSWER] * size
        return [_read(part, mapping, sent) for part in parts]
    named: dict[str, list[Part]] = {}
    for part in parts:
        named.setdefault(part.name, []).append(part)
    outcomes = []
    for index in range(size):
        heard = named.get(str(index), [])
        one = _read(heard[0], mapping, sent) if len(heard) == 1 else DOUBLED
        outcomes.append(one if heard else NOT_IN_ANSWER)
    return outcomes


def _read(part: Part, mapping: Mapping, sent: Exchange) -> RecordOutcome:
    try:
        document = decoded(part.body) if part.body else {}
    except NotDecoded:
        document = {}
    if 200 <= part.status <= 299:
        path = str(mapping.adapter_options.get("assigned", ""))
        return RecordOutcome(
            Verdict.SUCCESS, assigned=as_name(find(document, path)) if path else ""
        )
    code = next((c for path in CODES if (c := as_name(find(document, path)))), "")
    text = next((t for path in MESSAGES if (t := as_name(find(document, path)))), "")
    code, text, group = sent.clean(code), sent.clean(text), group_of(code, mapping)
    if not group and part.status == 429:
        group = "not_now"
    if group or (400 <= part.status <= 499 and part.status not in (401, 408)):
        return failure_of(group, code or f"HTTP_{part.status}", text, mapping)
    if part.status == 401:
        return failure_of("credential", code, text, mapping)
    if part.status >= 500 and mapping.five_xx_safe:
        return failure_of("retryable", code or f"HTTP_{part.status}", text, mapping)
    said = PART_UNSURE.format(status=part.status, why=Said(text, code))
    return RecordOutcome(Verdict.UNKNOWN, f"HTTP_{part.status}", said)
