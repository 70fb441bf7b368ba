"""The mapping's schema for others: as JSON Schema, and as a table of every field.

What each field means stands under the structure that has it, with an example. `tests` check that
none is missing, that each example is what the schema takes, and that docs/mapping-reference.md
says the same.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, NamedTuple

import msgspec

from imports.customers.api.mapping import Mapping, Schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Which structure stands where: the path that the reference writes before its fields.
PLACES: dict[str, str] = {
    "Mapping": "",
    "Request": "request.",
    "Signature": "request.signature.",
    "RecordPaths": "record.",
    "Results": "results[].",
    "Naming": "results[].name.",
    "Check": "results[].success.",
    "Rest": "rest.",
    "Alternative": "answers[].",
    "Codes": "codes.",
    "Envelope": "envelope.",
    "Poll": "poll.",
    "Lookup": "lookup.",
}


class Field(NamedTuple):
    """One field of a mapping: its path, its meaning and an example."""

    path: str
    meaning: str
    example: Any

    @property
    def example_text(self) -> str:
        return json.dumps(self.example, ensure_ascii=False)


@cache
def reference() -> list[Field]:
    """Every field, in the order of the schema."""
    return [
        Field(PLACES[structure] + name, meaning, example)
        for structure, notes in FIELDS.items()
        for name, (meaning, example) in notes.items()
    ]


def reference_table() -> str:
    """The same as a table of Markdown."""
    rows = [f"| `{each.path}` | {each.meaning} | `{each.example_text}` |" for each in reference()]
    return "\n".join(["| field | meaning | example |", "|---|---|---|", *rows]) + "\n"


@cache
def json_schema() -> dict[str, Any]:
    """JSON Schema of what an operator writes. That may be a part: nothing is required.

    Editors show the meaning and the example of each field.
    """
    (made,), parts = msgspec.json.schema_components([Mapping], ref_template="#/$defs/{name}")
    for name, part in parts.items():
        _explain(name, part)
    parts["Mapping"].pop("required", None)
    parts["Mapping"]["properties"]["$schema"] = {"type": "string"}
    return {"$schema": DIALECT, "title": "Mapping of a customer API", **made, "$defs": parts}


def _explain(name: str, part: dict[str, Any]) -> None:
    for field, (meaning, example) in FIELDS.get(name, {}).items():
        found = part["properties"][field]
        if "$ref" in found:  # beside a reference nothing else is read by older editors
            part["properties"][field] = found = {"allOf": [found]}
        found |= {"description": meaning, "examples": [example]}


def structures() -> dict[str, type[Schema]]:
    """Every structure of the schema by its name."""
    found: dict[str, type[Schema]] = {}
    waiting: list[type[Schema]] = [Schema]
    while waiting:
        for each in waiting.pop().__subclasses__():
            found[each.__name__] = each
            waiting.append(each)
    return found


Note = tuple[str, Any]  # what it means, and an example of its value

_CHECK: dict[str, Note] = {
    "path": ("Where the value stands.", "status"),
    "equals": ("The values that count. `true` is not `1`.", ["complete", 1, True]),
    "present": ("Any value counts but an empty one.", True),
    "empty": ("This path must be empty besides.", "errors"),
}

FIELDS: dict[str, dict[str, Note]] = {
    "Mapping": {
        "accepted": ("The 2xx that the API answers with when it took the request.", [200, 207]),
        "record": ("Where a record carries its own names.", {"id": ["memberNo"]}),
        "proof": (
            "`results`: the answer must prove each record. `status`: an accepted status is proof "
            "of all that a list of failures does not name.",
            "results",
        ),
        "request": ("How a request is made.", {"envelope": "members"}),
        "results": (
            "The lists of an answer that say what became of whom.",
            [{"at": "failed", "holds": "failures", "name": {"by": "index", "path": "row"}}],
        ),
        "rest": (
            "What proves those whom a list of failures leaves out; what a list of all must "
            "agree with.",
            {"failed": "failed"},
        ),
        "answers": (
            "Other ways to read an answer, by its status or by what it says.",
            [{"on": [202], "proof": "status", "results": []}],
        ),
        "answer_format": ("`json`, or `ndjson`: a value a line, read as one list.", "ndjson"),
        "codes": ("What the API's own codes mean.", {"retryable": ["BUSY"]}),
        "envelope": ("An error for the whole batch.", {"code": "error.code"}),
        "poll": (
            "The API works by itself: how its result is asked for.",
            {"job": "id", "url": "/jobs/{job}", "done": {"path": "state", "equals": ["DONE"]}},
        ),
        "lookup": (
            "How one record is looked up.",
            {"url": "/members/{id}", "absent": [404], "compare": {"email": "email"}},
        ),
        "adapter": ("The Python file that speaks to the API.", "salesforce-bulk"),
        "adapter_options": ("What the adapter needs to know.", {"object": "Contact"}),
        "five_xx_safe": ("A 5xx of this API stored nothing.", True),
        "refusal_stored_nothing": ("A refusal of a whole batch stored nothing of it.", True),
        "splittable": (
            "The refusals after which the halves are tried; 400 stands for other 4xx, too.",
            [400, 413, 422],
        ),
        "sentences": ("Your own sentence for a code.", {"E17": "The member is too young."}),
    },
    "Request": {
        "envelope": ("The name of the list of records; null: the body is the list.", "members"),
        "list": ("Its path instead, where it stands deeper.", "body.members"),
        "constants": (
            "Other fields of the body; {key}: the batch's idempotency key.",
            {"mode": "upsert"},
        ),
        "shape": ("`list`, `map` (by a key of each record) or `one` (record a request).", "map"),
        "map_key": ("In a map: the record's field that is the key; empty: its id.", "memberNo"),
        "wrap": (
            "What stands around each record: {record}, {index}, {id}, {record_key}, {field}.",
            {"ref": "{index}", "member": "{record}"},
        ),
        "method": ("POST, PUT or PATCH.", "PUT"),
        "format": ("`json`, `ndjson` (a record a line) or `csv`.", "ndjson"),
        "columns": ("CSV: heading to path in the record.", {"E-mail": "email"}),
        "content_type": ("Another Content-Type.", "application/vnd.api+json"),
        "query": ("Parameters of the URL.", {"mode": "upsert"}),
        "headers": ("Headers that are no secret.", {"revision": "2025-01-15"}),
        "signature": ("How requests are signed (authentication: HMAC).", {"prefix": "sha256="}),
        "max_records": ("The most records in a request.", 100),
        "max_bytes": ("The most bytes in a request.", 1_000_000),
        "trace_field": ("A field with the record's position, put into each record.", "traceId"),
        "idempotent": ("The API carries out a {key} or {record_key} in the body only once.", True),
        "empty_allowed": ("An empty list is harmless: a test of the connection sends one.", True),
    },
    "Signature": {
        "algorithm": ("sha256, sha1 or sha512.", "sha256"),
        "encoding": ("hex or base64.", "base64"),
        "prefix": ("What stands before the signature.", "sha256="),
        "of": ("What is signed.", "{timestamp}.{body}"),
        "timestamp_header": ("The header for the time that was signed.", "X-Timestamp"),
    },
    "RecordPaths": {
        "id": ("Paths of the id; the first that holds one counts.", ["person.id", "id"]),
        "username": ("Paths of the user name.", ["username"]),
        "email": ("Paths of the e-mail.", ["emails.0.address"]),
        "ignore_case": ("Ids that differ in case only are the same.", True),
        "ignore_leading_zeros": ("Ids that differ in leading zeros only are the same.", True),
    },
    "Results": {
        "name": ("How an entry names its record.", {"by": "id", "id": "memberNo"}),
        "at": ("Where the list is; empty: the whole answer.", "data.results"),
        "shape": (
            "`list`; `map`: the values of an object; `one`: a single entry; `list_or_one`.",
            "map",
        ),
        "holds": ("`all` records, only `failures`, or only `successes`.", "failures"),
        "required": ("Without the list the answer cannot be read.", False),
        "count_is_proof": ("As many successes as records prove all of them.", True),
        "success": ("When an entry is a success.", {"path": "ok", "equals": [True]}),
        "failure": ("When it is a failure.", {"path": "ok", "equals": [False]}),
        "code": ("Where an entry has its code; @key: its key in the object.", "error.code"),
        "message": ("Where it has its message.", "error.message"),
        "assigned": ("Where it has the id that the API gave the record.", "id"),
    },
    "Naming": {
        "by": ("id, position, index, key, trace or pointer.", "index"),
        "id": ("By id: its path; @self: the entry itself; @key: its key.", "memberNo"),
        "username": ("By user name: its path.", "username"),
        "email": ("By e-mail: its path.", "email"),
        "path": ("By index, trace or pointer: where that stands.", "row"),
        "base": ("By index, also in a template: the number of the first record.", 1),
        "template": ("By key or pointer: how to read it.", "members[{index}]"),
    },
    "Check": _CHECK,
    "Rest": {
        "when": ("A condition on the answer.", {"path": "status", "equals": ["complete"]}),
        "stored": ("The path of a count of those stored.", "counts.stored"),
        "failed": ("The path of a count of failures.", "counts.failed"),
    },
    "Alternative": {
        "on": ("The statuses that it is for; none: any.", [207]),
        "when": ("A condition on the answer.", {"path": "partial", "equals": [True]}),
        "accepted": ("Though no 2xx, it says what became of each record.", True),
        "results": ("Its lists.", []),
        "proof": ("Its proof.", "status"),
        "rest": ("Its proof of those whom it leaves out.", {"failed": "failed"}),
        "envelope": ("Its error for the whole batch.", {"message": "error"}),
    },
    "Codes": {
        "retryable": ("Nothing was stored; may be sent again.", ["BUSY"]),
        "permanent": ("Refused; correct it first.", ["INVALID", 4711]),
        "exists": ("The record exists.", ["DUPLICATE"]),
        "not_found": ("There is no such record.", ["UNKNOWN_MEMBER"]),
        "rolled_back": ("Not stored because of another record.", ["ROLLED_BACK"]),
        "not_now": ("Nothing was stored; later, at no cost of an attempt.", ["QUOTA"]),
        "credential": ("The credential was refused, as by a 401.", ["TOKEN_EXPIRED"]),
    },
    "Envelope": {
        "when": ("Tells it from a good answer.", {"path": "ok", "equals": [False]}),
        "code": ("Where its code is.", "error.code"),
        "message": ("Where its message is.", "error.message"),
    },
    "Poll": {
        "url": ("Where the state is asked for; @location: the Location header.", "/jobs/{job}"),
        "done": ("The work has ended.", {"path": "state", "equals": ["DONE"]}),
        "job": ("Where the answer to the batch names the job.", "job.id"),
        "failed": ("The work broke off.", {"path": "state", "equals": ["FAILED"]}),
        "every_seconds": ("Seconds between two questions.", 10.0),
        "give_up_after_hours": ("After so long without a result: unknown.", 24.0),
        "results_url": (
            "Where the results are, if not in the state; {location}: the Location header.",
            "/jobs/{job}/results",
        ),
        "next": ("Where a page names the next one; @link: the Link header.", "links.next"),
        "next_parameter": ("The URL's parameter for a cursor that `next` names.", "page"),
    },
    "Lookup": {
        "url": ("Its address, with {id} or another field of the record.", "/members/{id}"),
        "compare": ("Path in the answer: path in the record. All must be equal.", {"e": "email"}),
        "found": ("The statuses of a record that is there.", [200]),
        "absent": ("The statuses that prove that there is none.", [404]),
        "absent_when": ("A condition that proves it.", {"path": "total", "equals": [0]}),
        "empty_is_absent": ("A search that finds nothing (`[]` at `at`) proves it.", True),
        "at": ("Where the record, or the list of those found, stands in the answer.", "items"),
    },
}
