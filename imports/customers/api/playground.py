"""How a mapping is tried out before anything is sent.

The playground shows the request that a mapping makes, and what it reads out of an answer. "Test
connection" says what can be proven of an API without sending it a record, and no more.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from imports.customers.api.answers import sentences
from imports.customers.api.answers.body import NotDecoded, document_of
from imports.customers.api.json_paths import find, steps
from imports.customers.api.oauth2 import TokenFailure
from imports.customers.api.record_results import is_empty
from imports.customers.api.requests import PLACEHOLDER, CannotBuild, build, content_type
from imports.customers.api.responses import Answer, Exchange, chosen, judge, why
from imports.http.redaction import excerpt
from imports.http.transport import Undelivered
from imports.messages import MessageError, Text, render, sentence
from imports.messages import marked as _
from imports.policy import RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imports.customers.api.client import Client
    from imports.customers.api.mapping import Mapping, RecordKey
    from imports.messages import Message
    from imports.policy import Outcome


MOST_RECORDS = 100
LONGEST_SAMPLE = 1_000_000
MADE_UP = 3
KEY = "00000000-0000-4000-8000-000000000000"  # an idempotency key, made up
# Rules that call a record stored which the answer does not mention.
WITHOUT_MENTION = ("rest", "proof", "count_is_proof")
NO_RECORDS = sentence(
    "PLAYGROUND_NO_RECORDS",
    _("Paste records: a JSON list of objects, an object with one list, or one object a line."),
)
TOO_MANY = sentence("PLAYGROUND_TOO_MANY", _("At most {n} records are shown here."))
ADAPTER = sentence(
    "PLAYGROUND_ADAPTER", _("The adapter “{name}” makes its own requests and reads its answers.")
)
# What an API says that knows no OPTIONS here, or wants a body: it has been reached all the same.
REACHED = {400, 405, 415, 422, 501}
UNSURE = {Verdict.UNKNOWN, Verdict.REPEATABLE}
PLAIN = sentence(
    "PLAIN_HTTP_READABLE",
    _("Plain http: anyone on the network path can read the credential and the customers."),
)
CONNECTED = sentence(
    "ACCEPTED_EMPTY",
    _(
        "Connected: {host} accepted {credential} and an empty list (HTTP {status}). No customer "
        "was sent."
    ),
)
BY_STATUS = sentence(
    "PROVEN_BY_STATUS",
    _(
        "Connected: {host} answered HTTP {status} to an empty list, sent with {credential}; by "
        "its mapping the status alone is the proof. No customer was sent."
    ),
)
HOST_ONLY = sentence(
    "HOST_REACHED",
    _(
        "{host} was reached (HTTP {status} to OPTIONS). Nothing harmless can be asked of this "
        "API, so whether it takes {credential} and customers is not known until the first batch. "
        "No customer was sent."
    ),
)
TOKEN_ONLY = sentence(
    "HOST_REACHED_WITH_TOKEN",
    _(
        "The token URL gave a token, and {host} was reached (HTTP {status} to OPTIONS). Nothing "
        "harmless can be asked of this API, so whether it takes the token and customers is not "
        "known until the first batch. No customer was sent."
    ),
)
NOT_READ = sentence(
    "EMPTY_NOT_READ",
    _(
        "{host} answered an empty list (HTTP {status}), but not as its mapping says. Compare what "
        "came with the mapping, and check the URL. No customer was sent."
    ),
)
OTHERWISE = sentence(
    "PROBE_ANSWERED",
    _(
        "{host} was reached, but answered HTTP {status} to {what}{why}. Check the URL and the "
        "mapping, or ask whoever runs the API. No customer was sent."
    ),
)
TOKEN_GIVEN = sentence("TOKEN_GIVEN", _("The token URL gave a token."))
OUR_FAULT = sentence("PROBE_BROKE", _("Redrive itself failed ({error})."))
AN_EMPTY_LIST = sentence("AN_EMPTY_LIST", _("an empty list"))
OPTIONS = sentence("ASKED_OPTIONS", _("OPTIONS"))


class NoSample(MessageError):
    """What was pasted holds no records. The message says what to paste."""


class Row(NamedTuple):
    """What becomes of one record. `rule` is the path in the mapping that decided."""

    number: int
    name: str
    outcome: RecordOutcome
    rule: str
    rule_value: str

    @property
    def is_unmentioned_success(self) -> bool:
        """Whether the answer does not mention a record that counts as stored."""
        is_silent = self.rule.rpartition(".")[2] in WITHOUT_MENTION
        return self.outcome.verdict is Verdict.SUCCESS and is_silent


class Verdicts(NamedTuple):
    """What an answer means for the batch, and for each of its records."""

    outcome: Outcome
    rows: list[Row]
    rule: str
    rule_value: str


def records_of(text: str) -> list[bytes]:
    """The records in what somebody pasted, byte for byte. Raises NoSample."""
    raw = text.strip().encode()
    for read in (_listed, _lines):
        try:
            found = read(raw)
        except (msgspec.MsgspecError, UnicodeError, ValueError):
            continue
        if len(found) > MOST_RECORDS:
            raise NoSample(TOO_MANY.format(n=MOST_RECORDS))
        if found and all(each.lstrip()[:1] == b"{" for each in found):
            return found
    raise NoSample(NO_RECORDS)


def _listed(raw: bytes) -> list[bytes]:
    """A list, or the first list of objects in an object; else the object is the one record."""
    if raw[:1] == b"{":
        members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        lists = [bytes(value) for value in members.values() if bytes(value)[:1] == b"["]
        inside = next((one for one in lists if one[1:].lstrip()[:1] == b"{"), None)
        if inside is None:
            return [raw]
        raw = inside
    return [bytes(each) for each in msgspec.json.decode(raw, type=list[msgspec.Raw])]


def _lines(raw: bytes) -> list[bytes]:
    lines = [line for line in raw.splitlines() if line.strip()]
    for line in lines:
        msgspec.json.decode(line)
    return lines


def made_up(mapping: Mapping, url: str) -> list[bytes]:
    """Records that have all that the mapping wants to find in them."""
    fields = {
        name for name in _placeholders(mapping, url) if name.partition(":")[0] not in BUILT_IN
    }
    return [
        json.dumps(_record(mapping, fields, number), ensure_ascii=False).encode()
        for number in range(1, MADE_UP + 1)
    ][: mapping.request.max_records]


BUILT_IN = {
    "record", "index", "number", "key", "record_key", "id", "username", "email",
}  # fmt: skip


def _placeholders(mapping: Mapping, url: str) -> set[str]:
    request = mapping.request
    text = json.dumps([request.wrap, request.query, url])
    found = set(PLACEHOLDER.findall(text)) | set(request.columns.values())
    return found | ({request.map_key} - {""})


def _record(mapping: Mapping, fields: set[str], number: int) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for field in sorted(fields):
        _put(record, field.partition(":")[0], f"value {number}")
    names = {"id": f"{1000 + number}", "username": f"anna{number}"}
    names["email"] = f"anna{number}@example.com"
    for kind, value in names.items():
        for path in getattr(mapping.record, kind)[:1]:
            _put(record, path, value)
    return record


def _put(record: Any, path: str, value: str) -> None:
    """Set a value at a path, in objects and lists that are made on the way."""
    *way, last = steps(path)
    for step, following in zip(way, [*way, last][1:], strict=True):
        empty: Any = [] if following.isdecimal() else {}
        record = _child(record, step, empty)
    if isinstance(record, list):
        record.append(value)
    else:
        record[last] = value


def _child(holder: Any, step: str, empty: Any) -> Any:
    if isinstance(holder, list):
        if not holder:
            holder.append(empty)
        return holder[0]
    if not isinstance(holder.get(step), (dict, list)):
        holder[step] = empty
    return holder[step]


def request_text(mapping: Mapping, url: str, records: Sequence[bytes], credential: str) -> str:
    """The request as it goes out, with a word in place of the credential. Raises CannotBuild."""
    if mapping.adapter:
        raise CannotBuild(ADAPTER.format(name=mapping.adapter))
    few = records[: mapping.request.max_records]
    stored = mapping.opening + b", ".join(few) + mapping.closing
    built = build(stored, url or "https://api.example/customers", mapping, KEY)
    parts = urlsplit(built.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"{mapping.request.method} {target or '/'} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Content-Type: {content_type(mapping)}",
        *(f"{name}: {value}" for name, value in mapping.request.headers.items()),
        f"({credential})",
        f"Content-Length: {len(built.body)}",
    ]
    return "\n".join(lines) + "\n\n" + built.body.decode("utf-8", "replace")


def verdicts(
    mapping: Mapping, records: Sequence[bytes], answer: Answer, *, asks: bool = False
) -> Verdicts:
    """What an answer means, record by record, and the rule that decided. Nothing is stored.

    `asks`: it is a result that was asked for, which any 2xx brings.
    """
    if asks and 200 <= answer.status <= 299:
        accepted = (*mapping.accepted, answer.status)
        mapping = msgspec.structs.replace(mapping, accepted=accepted)
    keys = [mapping.key_of(msgspec.json.decode(raw)) for raw in records]
    outcome = judge(answer, Exchange(mapping, keys, asks=asks))
    changed, number = chosen(answer, mapping)
    document = msgspec.json.decode(msgspec.json.encode(changed))
    given = mapping.answers[number] if number is not None else None

    def place(rule: str) -> tuple[str, str]:
        """The rule's path as it stands in the mapping, and what stands there."""
        value = _value_at(document, rule)
        part = re.split(r"[.\[]", rule)[0]
        if given is not None and getattr(given, part, None) is not None:
            return f"answers[{number}].{rule}", value
        return rule, value

    each = outcome.records or outcome.judged
    if not each:
        each = tuple(_as_record(outcome) for _key in keys)
    rows = [
        Row(n, _name(key), one, *place(one.rule or outcome.rule))
        for n, (key, one) in enumerate(zip(keys, each, strict=True), 1)
    ]
    return Verdicts(outcome, rows, *place(outcome.rule))


def _as_record(outcome: Outcome) -> RecordOutcome:
    return RecordOutcome(outcome.verdict, outcome.code, outcome.message, rule=outcome.rule)


def _name(key: RecordKey) -> str:
    return key.record_id or key.username or key.email


def _value_at(document: Any, rule: str) -> str:
    """What stands at the path of a rule, as JSON; "" for a rule that is no field."""
    found = find(document, re.sub(r"\[(\d+)\]", r".\1", rule)) if rule else None
    if isinstance(found, dict):
        found = {name: value for name, value in found.items() if not is_empty(value)}
    if isinstance(found, (dict, list, str, int, bool, tuple)):
        return json.dumps(found, ensure_ascii=False)
    return ""


class Hostile(NamedTuple):
    """An answer that proves nothing, and what to call it."""

    name: str
    label: Text
    status: int
    body: bytes


def hostile(mapping: Mapping, given: bytes) -> Iterator[Hostile]:
    """Answers that a mapping must not be taken in by; `given` is a good one, if there is one."""
    status = mapping.accepted[0]
    yield Hostile("object", "{}", status, b"{}")
    yield Hostile("list", "[]", status, b"[]")
    yield Hostile("empty", EMPTY, status, b"")
    yield Hostile("html", HTML, status, b"<html><body>OK</body></html>")
    failed = b'{"error": "internal error", "code": "INTERNAL", "message": "internal error"}'
    yield Hostile("error", ERROR, status, failed)
    if dropped := one_dropped(mapping, given):
        yield Hostile("dropped", DROPPED, status, dropped)
    if given.strip():
        yield Hostile("cut", CUT, status, given.rstrip()[:-1])


EMPTY = sentence("HOSTILE_EMPTY", _("An empty answer"))
HTML = sentence("HOSTILE_HTML", _("A page of HTML"))
ERROR = sentence("HOSTILE_ERROR", _("An error with a good status"))
DROPPED = sentence("HOSTILE_DROPPED", _("One entry dropped"))
CUT = sentence("HOSTILE_CUT", _("The end cut off"))


def one_dropped(mapping: Mapping, given: bytes) -> bytes:
    """A good answer without the first entry of its first list that has any; b"" without one."""
    try:
        document = document_of(Answer(mapping.accepted[0], {}, given), mapping)
    except NotDecoded:
        return b""
    ways = (mapping, *mapping.alternatives)
    for results in (each for way in ways for each in way.results):
        found = find(document, results.at)
        if found and isinstance(found, (list, dict)) and results.shape != "one":
            del found[0 if isinstance(found, list) else next(iter(found))]
            return json.dumps(document, ensure_ascii=False).encode()
    return b""


class Proof(StrEnum):
    """How much a test has shown."""

    PROVEN = "proven"  # the API let us in, and answered as the mapping says
    PARTLY = "partly"  # what was asked is right; the rest shows with the first batch
    FAILED = "failed"


class ProbeResult(NamedTuple):
    """The result of "Test connection" as a sentence, and the API's own words."""

    proof: Proof
    message: Text
    answer: str = ""

    @property
    def sentence(self) -> str:
        """The message in English."""
        return render(self.message)

    @property
    def ok(self) -> bool:
        return self.proof is Proof.PROVEN


def probe(client: Client) -> ProbeResult:
    """Get a token where there is one, post an empty list (or ask OPTIONS), say what came back.

    Sends no record, and never raises.
    """
    try:
        result = _probed(client)
    except TokenFailure as failure:
        result = ProbeResult(Proof.FAILED, failure.sentence)
    except Undelivered as error:
        result = ProbeResult(Proof.FAILED, error.failure.sentence)
    except Exception as error:  # its text could hold anything that was sent
        result = ProbeResult(Proof.FAILED, OUR_FAULT.format(error=type(error).__name__))
    if result.proof is not Proof.FAILED and is_readable_on_its_way(client.endpoint.url):
        return result._replace(message=result.message + PLAIN)
    return result


def is_readable_on_its_way(url: str) -> bool:
    """Whether a request to this URL leaves the machine unencrypted."""
    parts = urlsplit(url)
    is_here = parts.hostname in ("localhost", "::1") or (parts.hostname or "").startswith("127.")
    return parts.scheme == "http" and not is_here


def _probed(client: Client) -> ProbeResult:
    has_token = client.prove_credential()
    mapping = client.endpoint.mapping
    if mapping.request.empty_allowed:
        nobody = build(mapping.opening + mapping.closing, client.endpoint.url, mapping, "")
        answer, outcome = client.call(mapping.request.method, nobody.body, nobody.url)
        return _of_empty_list(client, answer, outcome, has_token)
    answer, outcome = client.call("OPTIONS", b"")
    return _of_options(client, answer, outcome, has_token)


def _of_empty_list(
    client: Client, answer: Answer, outcome: Outcome, has_token: bool
) -> ProbeResult:
    mapping = client.endpoint.mapping
    if outcome.verdict is Verdict.SUCCESS:
        said = BY_STATUS if mapping.proof == "status" else CONNECTED
        return _result(client, answer, Proof.PROVEN, said)
    if answer.status in mapping.accepted and outcome.verdict in UNSURE:
        return _result(client, answer, Proof.FAILED, NOT_READ)
    return _refused(client, answer, outcome, AN_EMPTY_LIST, has_token)


def _of_options(client: Client, answer: Answer, outcome: Outcome, has_token: bool) -> ProbeResult:
    """An answer to OPTIONS says that the host is there; many answer it before asking who it is."""
    if answer.status in REACHED or 200 <= answer.status <= 299:
        said = TOKEN_ONLY if has_token else HOST_ONLY
        return _result(client, answer, Proof.PARTLY, said)
    return _refused(client, answer, outcome, OPTIONS, has_token)


def _refused(
    client: Client, answer: Answer, outcome: Outcome, what: Message, has_token: bool
) -> ProbeResult:
    text: Text
    if outcome.pauses:  # a POST may have been carried out; this one carried nothing
        text = sentences.REDIRECTED.format(status=answer.status)
    elif outcome.verdict is Verdict.PAUSE:
        text = outcome.message
    else:
        text = OTHERWISE.format(
            host=_host(client), status=answer.status, what=what, why=why(answer, client.exchange())
        )
    if has_token:
        text = TOKEN_GIVEN + text
    return ProbeResult(Proof.FAILED, text, _own_words(client, answer))


def _result(client: Client, answer: Answer, proof: Proof, said: Message) -> ProbeResult:
    text = said.format(host=_host(client), credential=client.auth.sent, status=answer.status)
    return ProbeResult(proof, text, _own_words(client, answer))


def _own_words(client: Client, answer: Answer) -> str:
    return excerpt(answer.body, client.exchange().secrets).strip()


def _host(client: Client) -> str:
    return urlsplit(client.endpoint.url).hostname or "?"
