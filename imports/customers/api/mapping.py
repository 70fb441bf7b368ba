"""A mapping: how one customer API is spoken to, and how its answers are to be read.

A mapping is a small JSON document; the structures below are its schema, field by field, and
`schema.publish` explains each with an example. Paths are written as `json_paths` says.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec

from imports.customers.api.json_paths import first_name
from imports.customers.api.presets import PRESETS
from imports.customers.api.schema.rules import complaints, converted

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Scalar = bool | int | float | str | None
Code = str | int  # numbers are codes, too
Codes_ = tuple[Code, ...]
Statuses = tuple[Annotated[int, msgspec.Meta(ge=200, le=599)], ...]
OKS = tuple[Annotated[int, msgspec.Meta(ge=200, le=299)], ...]
ROOM_FOR_NAMES = 64  # bytes, of what a wrap takes in from the record
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class BadMapping(ValueError):
    """The mapping document is wrong. The text has a line for each field that is.

    `errors`: the path of each and what is expected there.
    """

    def __init__(self, text: str, errors: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(text)
        self.errors = errors

    @classmethod
    def of(cls, errors: list[tuple[str, str]]) -> BadMapping:
        """All that is wrong at once, a line for each field."""
        return cls("\n".join(f"{path}: {text}" for path, text in errors), tuple(errors))


class RecordKey(msgspec.Struct, frozen=True):
    """How one sent record may be named in an answer. An empty field: it was sent without."""

    record_id: str = ""
    username: str = ""
    email: str = ""


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all parts of the document share: they never change, and know all their fields."""


class Signature(Schema, frozen=True):
    """How a request is signed with the API's secret, where it authenticates with an HMAC.

    `of` is what is signed: {body}, {timestamp}, {method} and {path}.
    """

    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    of: str = "{body}"
    timestamp_header: str = ""


class Request(Schema, frozen=True):
    """The request: where its records stand in the body, in which form, and its limits.

    `envelope` is the name of the list (null: the body is nothing but the list); `list` is its
    path instead, where it stands deeper. `wrap` is put around each record. `trace_field` is
    inserted into each record, with the record's position as its value. `idempotent`: the API
    carries out once what comes again with the same {key} or {record_key} in its body.
    """

    envelope: Text | None = "data"
    list: str = ""
    constants: dict[str, Any] = {}
    shape: Literal["list", "map", "one"] = "list"
    map_key: str = ""
    wrap: Any = None
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    format: Literal["json", "ndjson", "csv"] = "json"
    columns: dict[str, str] = {}
    content_type: str = ""
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    signature: Signature = Signature()
    max_records: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    max_bytes: Annotated[int, msgspec.Meta(ge=1_000)] = 1_000_000
    trace_field: str = ""
    empty_allowed: bool = False
    idempotent: bool = False

    @property
    def place(self) -> str:
        """The path of the records in the body; "" where the body is nothing but they."""
        return self.list or self.envelope or ""

    @property
    def is_plain(self) -> bool:
        """Whether a batch is sent as it is stored: a JSON list of the records as they are."""
        own_form = self.shape == "list" and self.format == "json"
        return own_form and self.wrap is None and not self.trace_field


class RecordPaths(Schema, frozen=True):
    """Where a record carries its names: the first path that holds one counts.

    `ignore_case` and `ignore_leading_zeros`: two spellings of an id or user name that differ in
    nothing else are the same customer to this API, which may answer with either.
    """

    id: tuple[str, ...] = ()
    username: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    ignore_case: bool = False
    ignore_leading_zeros: bool = False


class Check(Schema, frozen=True):
    """True where `path` holds one of `equals` (or anything, if `present`).

    If `empty` is given, that path must be empty besides.
    """

    path: str
    equals: tuple[Scalar, ...] = ()
    present: bool = False
    empty: str = ""


class Naming(Schema, frozen=True):
    """How an entry names the record it is about.

    id        by the paths `id`, `username`, `email` (at least one)
    position  by standing where the record stood: only where the API documents that order
    index     by a number at `path`, counted from `base`
    key       by its own key in an object, read by `template` ("{id}", "data[{index}]")
    trace     by the trace id that was sent, at `path` (a string or a list of them)
    pointer   by a text at `path`, read by `template` ("#/data/{index}/")
    """

    by: Literal["id", "position", "index", "key", "trace", "pointer"]
    id: str = ""
    username: str = ""
    email: str = ""
    path: str = ""
    base: Literal[0, 1] = 0
    template: str = ""


class Results(Schema, frozen=True):
    """One list of entries in the answer: where it is, what it holds, how an entry is read.

    Where an answer has an object (`shape` "map"), "@key" is the key of an entry, and "@self" the
    entry itself. `assigned` is where an entry has the id that the API gave the record.
    """

    name: Naming
    at: str = ""
    shape: Literal["list", "map", "one", "list_or_one"] = "list"
    holds: Literal["all", "failures", "successes"] = "all"
    required: bool = True
    count_is_proof: bool = False
    success: Check | None = None
    failure: Check | None = None
    code: str = ""
    message: str = ""
    assigned: str = ""


class Codes(Schema, frozen=True):
    """What the API's own codes mean. A code that is not listed proves nothing by itself."""

    retryable: Codes_ = ()
    permanent: Codes_ = ()
    exists: Codes_ = ()
    not_found: Codes_ = ()
    rolled_back: Codes_ = ()
    not_now: Codes_ = ()  # stored nothing; ask again later, which costs no attempt
    credential: Codes_ = ()  # stored nothing; it does not know the credential, as a 401


class Rest(Schema, frozen=True):
    """What proves that the records are stored which a list of failures does not name.

    `when` is a condition on the whole answer; `stored` and `failed` are where the API counts its
    records. All that is given must hold, and a count must agree with what the lists say. Beside a
    list of all records, whose entries are the proof, they must not disagree with these.
    """

    when: Check | None = None
    stored: str = ""
    failed: str = ""


class Envelope(Schema, frozen=True):
    """An error for the whole batch: where its code and message are.

    `when` tells it from a good answer if it can arrive with an accepted status.
    """

    when: Check | None = None
    code: str = ""
    message: str = ""


class Alternative(Schema, frozen=True):
    """How an answer is read that is not like the others; what it leaves out stays as it is.

    It is chosen by status (`on`; none: any) and by a condition on the answer (`when`). The first
    that fits counts. `accepted`: an answer of this status says what became of each record, though
    it is no 2xx.
    """

    on: Statuses = ()
    when: Check | None = None
    accepted: bool = False
    results: tuple[Results, ...] | None = None
    proof: Literal["results", "status"] | None = None
    rest: Rest | None = None
    envelope: Envelope | None = None


class Poll(Schema, frozen=True):
    """An API that takes a batch on, works by itself, and is asked for the result.

    The answer to the batch names the job at `job`; `url` with {job} is where its state is asked
    for ("@location": where the answer's Location header points). `done` and `failed` are
    conditions on the state. The results are in the state's own answer, or at `results_url` (with
    {job}, or {location}), page by page: `next` is where a page names the next one, by its URL or,
    with `next_parameter`, by a cursor ("@link": the Link header does).
    """

    url: str
    done: Check
    job: str = ""
    failed: Check | None = None
    every_seconds: Seconds = 10.0
    give_up_after_hours: Annotated[float, msgspec.Meta(gt=0, le=720)] = 24.0
    results_url: str = ""
    next: str = ""
    next_parameter: str = ""


class Lookup(Schema, frozen=True):
    """How one record is looked up, and what proves that it is stored, or that it is not.

    `url` has {id}, {email} or another field of the record. Stored: a status of `found`, and all
    that `compare` names (path in the answer: path in the record) is equal. Not stored: a status
    of `absent`, `absent_when` holds, or, with `empty_is_absent`, the list at `at` is empty.
    Everything else proves nothing.
    """

    url: str
    compare: dict[str, str]
    found: OKS = (200,)
    absent: Statuses = ()
    absent_when: Check | None = None
    empty_is_absent: bool = False
    at: str = ""


class Mapping(Schema, frozen=True, dict=True):
    """One API's mapping. Make it with `from_document`, `preset` or `with_overrides`.

    `proof` is "results" (each record must be proven by the answer) or "status" (the operator's
    word that an accepted status alone proves that all is stored but what a list of failures
    names). `five_xx_safe`: a 5xx of this API stored nothing. `refusal_stored_nothing`: nor did
    a refusal of a whole batch. `splittable`: such refusals for which the halves are tried.
    `adapter` names the Python file that speaks to an API which no mapping can describe.
    """

    accepted: Annotated[OKS, msgspec.Meta(min_length=1)]
    record: RecordPaths
    proof: Literal["results", "status"] = "results"
    request: Request = Request()
    results: tuple[Results, ...] = ()
    rest: Rest = Rest()
    answers: tuple[Alternative, ...] = ()
    answer_format: Literal["json", "ndjson"] = "json"
    codes: Codes = Codes()
    envelope: Envelope = Envelope()
    poll: Poll | None = None
    lookup: Lookup | None = None
    adapter: str = ""
    adapter_options: dict[str, Any] = {}
    five_xx_safe: bool = False
    refusal_stored_nothing: bool = False
    splittable: tuple[Annotated[int, msgspec.Meta(ge=400, le=599)], ...] = (400, 413, 422)
    sentences: dict[str, str] = {}

    @classmethod
    def from_document(cls, document: object) -> Mapping:
        """The mapping that a decoded JSON document says. Raises BadMapping with all errors."""
        mapping, errors = converted(document, cls)
        wrong = [path for path, _ in errors]
        for path, complaint in complaints(mapping) if mapping else ():
            if not any(path.startswith(each) or each.startswith(path) for each in wrong):
                errors.append((path, complaint))
        if errors or mapping is None:
            raise BadMapping.of(errors)
        return mapping

    def document(self) -> dict[str, Any]:
        """The whole document, defaults included; `from_document` reads it back."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def with_overrides(self, changes: dict[str, Any]) -> Mapping:
        """This mapping with parts replaced. Objects merge; lists and values replace."""
        # What an editor needs to know of the document is no part of the mapping.
        own = {name: value for name, value in changes.items() if name != "$schema"}
        return Mapping.from_document(_merged(self.document(), own))

    @cached_property
    def group_by_code(self) -> dict[str, str]:
        """Each of the API's codes with the field of `codes` that lists it."""
        groups = msgspec.structs.asdict(self.codes)
        return {str(code): group for group, codes in groups.items() for code in codes}

    @cached_property
    def alternatives(self) -> tuple[Mapping, ...]:
        """This mapping as each of its `answers` changes it."""
        return tuple(_changed(self, each) for each in self.answers)

    @cached_property
    def around(self) -> tuple[bytes, bytes]:
        """The bytes of a request before and after what stands at the place of its records."""
        request = self.request
        names = request.list.split(".") if request.list else [request.envelope or ""]
        opening, closing = "", ""
        level: Any = request.constants
        for name in names if request.place else ():
            others = {k: v for k, v in level.items() if k != name}
            opening += "{" + "".join(f"{_json(k)}: {_json(v)}, " for k, v in others.items())
            opening += f"{_json(name)}: "
            closing += "}"
            level = level.get(name, {})
        return opening.encode(), closing.encode()

    @cached_property
    def opening(self) -> bytes:
        """The bytes of a stored batch before its first record: `{"data": [`.

        Where requests are no JSON lists, they are made of a bare one when they are sent.
        """
        is_list = self.request.shape == "list" and self.request.format == "json"
        return self.around[0] + b"[" if is_list else b"["

    @cached_property
    def closing(self) -> bytes:
        """The bytes of a stored batch after its last record."""
        is_list = self.request.shape == "list" and self.request.format == "json"
        return b"]" + self.around[1] if is_list else b"]"

    def wrap(self, raw: bytes, index: int) -> bytes:
        """One record as it is sent: its own bytes, after a trace id if the API takes one.

        `raw` is a JSON object; `index` its position in the batch, which is its trace id.
        """
        if not self.request.trace_field:
            return raw
        rest = raw.lstrip()[1:].lstrip()
        comma = "" if rest.startswith(b"}") else ", "
        return f'{{{_json(self.request.trace_field)}: "{index}"{comma}'.encode() + rest

    @cached_property
    def added_bytes(self) -> int:
        """About how much a request adds to each record; exactly, where it only adds a trace id."""
        if self.request.wrap is not None:
            return len(_json(self.request.wrap).encode()) + ROOM_FOR_NAMES
        return len(self.wrap(b"{}", self.request.max_records)) - len(b"{}")

    def key_of(self, record: object) -> RecordKey:
        """The names of one decoded record. All fields are empty where it has none."""
        paths = self.record
        return RecordKey(
            first_name(record, paths.id),
            first_name(record, paths.username),
            first_name(record, paths.email),
        )


def preset(name: str) -> Mapping:
    """One of the mappings that Redrive ships. Raises BadMapping for a name it does not know."""
    if name not in PRESETS:
        raise BadMapping(f"preset: “{name}” is not known. Choose one of: {', '.join(PRESETS)}.")
    return Mapping.from_document(PRESETS[name])


def states_refusals(preset_name: str, changes: object) -> bool:
    """Whether somebody has said if a refusal of a whole batch stored nothing of it."""
    field = "refusal_stored_nothing"
    own = changes if isinstance(changes, dict) else {}
    return field in own or field in PRESETS.get(preset_name, {})


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for name, value in changes.items():
        old = base.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            both[name] = _merged(old, value)
        else:
            both[name] = value
    return both


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _changed(mapping: Mapping, alternative: Alternative) -> Mapping:
    parts = {name: getattr(alternative, name) for name in ("results", "proof", "rest", "envelope")}
    given = {name: part for name, part in parts.items() if part is not None}
    if alternative.accepted:
        given["accepted"] = (*mapping.accepted, *alternative.on)
    return msgspec.structs.replace(mapping, answers=(), **given)
