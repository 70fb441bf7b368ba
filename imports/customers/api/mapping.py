"""A mapping: how one customer API is spoken to, and how its answers are to be read.

A mapping is a small JSON document; the structures below are its schema, field by field.
Paths are written as `json_paths` says.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec

from imports.customers.api.json_paths import first_name
from imports.customers.api.mapping_rules import complaints
from imports.customers.api.presets import PRESETS

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Scalar = bool | int | float | str | None


class BadMapping(ValueError):
    """The mapping document is wrong. The text names the field and what is expected there."""


class RecordKey(msgspec.Struct, frozen=True):
    """How one sent record may be named in an answer. An empty field: it was sent without."""

    record_id: str = ""
    username: str = ""
    email: str = ""


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all parts of the document share: they never change, and know all their fields."""


class Request(Schema, frozen=True):
    """The body: the name of its list (null: the body is a bare list) and its limits.

    `trace_field` is inserted into each record, with the record's position as its value.
    """

    envelope: Text | None = "data"
    constants: dict[str, Any] = {}
    max_records: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    max_bytes: Annotated[int, msgspec.Meta(ge=1_000)] = 1_000_000
    trace_field: str = ""
    empty_allowed: bool = False


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
    """True where `path` holds one of `equals` and, if `empty` is given, that path is empty."""

    path: str
    equals: tuple[Scalar, ...]
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
    """One list of entries in the answer: where it is, what it holds, how an entry is read."""

    name: Naming
    at: str = ""
    holds: Literal["all", "failures", "successes"] = "all"
    required: bool = True
    count_is_proof: bool = False
    success: Check | None = None
    failure: Check | None = None
    code: str = ""
    message: str = ""


class Codes(Schema, frozen=True):
    """What the API's own codes mean. A code that is not listed proves nothing by itself."""

    retryable: tuple[str, ...] = ()
    permanent: tuple[str, ...] = ()
    exists: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    rolled_back: tuple[str, ...] = ()
    not_now: tuple[str, ...] = ()  # stored nothing; ask again later, which costs no attempt
    credential: tuple[str, ...] = ()  # stored nothing; it does not know the credential, as a 401


class Rest(Schema, frozen=True):
    """What proves that the records are stored which a list of failures does not name.

    `when` is a condition on the whole answer; `stored` and `failed` are where the API counts its
    records. All that is given must hold, and a count must agree with what the lists say.
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


class Mapping(Schema, frozen=True, dict=True):
    """One API's mapping. Make it with `from_document`, `preset` or `with_overrides`.

    `proof` is "results" (each record must be proven by the answer) or "status" (the operator's
    word that an accepted status alone proves that all is stored but what a list of failures
    names). `five_xx_safe`: a 5xx of this API stored nothing. `refusal_stored_nothing`: nor did
    a refusal of a whole batch. `splittable`: such refusals for which the halves are tried.
    """

    accepted: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=200, le=299)], ...], msgspec.Meta(min_length=1)
    ]
    record: RecordPaths
    proof: Literal["results", "status"] = "results"
    request: Request = Request()
    results: tuple[Results, ...] = ()
    rest: Rest = Rest()
    codes: Codes = Codes()
    envelope: Envelope = Envelope()
    five_xx_safe: bool = False
    refusal_stored_nothing: bool = False
    splittable: tuple[Annotated[int, msgspec.Meta(ge=400, le=499)], ...] = (400, 413, 422)
    sentences: dict[str, str] = {}

    @classmethod
    def from_document(cls, document: object) -> Mapping:
        """The mapping that a decoded JSON document says. Raises BadMapping."""
        try:
            mapping = msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            raise BadMapping(_sentence(str(error))) from None
        for path, complaint in complaints(mapping):
            raise BadMapping(f"{path}: {complaint}")
        return mapping

    def document(self) -> dict[str, Any]:
        """The whole document, defaults included; `from_document` reads it back."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def with_overrides(self, changes: dict[str, Any]) -> Mapping:
        """This mapping with parts replaced. Objects merge; lists and values replace."""
        return Mapping.from_document(_merged(self.document(), changes))

    @cached_property
    def group_by_code(self) -> dict[str, str]:
        """Each of the API's codes with the field of `codes` that lists it."""
        groups = msgspec.structs.asdict(self.codes)
        return {code: group for group, codes in groups.items() for code in codes}

    @cached_property
    def opening(self) -> bytes:
        """The bytes of a request before its first record: `{"data": [`."""
        if self.request.envelope is None:
            return b"["
        fixed = "".join(f"{_json(k)}: {_json(v)}, " for k, v in self.request.constants.items())
        return f"{{{fixed}{_json(self.request.envelope)}: [".encode()

    @property
    def closing(self) -> bytes:
        """The bytes of a request after its last record."""
        return b"]" if self.request.envelope is None else b"]}"

    def wrap(self, raw: bytes, index: int) -> bytes:
        """One record as it is sent: its own bytes, after a trace id if the API takes one.

        `raw` is a JSON object; `index` its position in the batch, which is its trace id.
        """
        if not self.request.trace_field:
            return raw
        rest = raw.lstrip()[1:].lstrip()
        comma = "" if rest.startswith(b"}") else ", "
        return f'{{{_json(self.request.trace_field)}: "{index}"{comma}'.encode() + rest

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


_PARTS: dict[str, type[Schema]] = {
    "": Mapping,
    "request": Request,
    "record": RecordPaths,
    "results": Results,
    "results.name": Naming,
    "results.success": Check,
    "results.failure": Check,
    "rest": Rest,
    "rest.when": Check,
    "codes": Codes,
    "envelope": Envelope,
    "envelope.when": Check,
}


def _sentence(text: str) -> str:
    """msgspec's words ("Expected `int`, got `str` - at `$.request`") in ours, field first."""
    what, _, where = text.partition(" - at `$")
    field = where.strip("`").lstrip(".") or "the mapping"
    unknown = re.search(r"unknown field `(.*)`", what)
    if unknown is None:
        return f"{field}: {what[:1].lower()}{what[1:]}."
    part = _PARTS.get(re.sub(r"\[[^\]]*\]", "", where.strip("`").lstrip(".")))
    known = ", ".join(sorted(part.__struct_fields__)) if part else ""
    return f"{field}: there is no field “{unknown[1]}” here. Known fields: {known}."
