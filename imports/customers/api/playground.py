"""The playground of a mapping: the request it makes, and what it reads out of an answer.

Nothing is sent. Pure.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from imports.customers.api.answers.body import NotDecoded, document_of
from imports.customers.api.json_paths import find, steps
from imports.customers.api.record_results import is_empty
from imports.customers.api.requests import PLACEHOLDER, CannotBuild, build, content_type
from imports.customers.api.responses import Answer, Exchange, chosen, judge
from imports.messages import MessageError, Text, sentence
from imports.messages import marked as _
from imports.policy import RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imports.customers.api.mapping import Mapping, RecordKey
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
