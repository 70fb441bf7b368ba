"""What a mapping's fields must be to one another: the checks that a schema can't express."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from imports.customers.api.json_paths import steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imports.customers.api.mapping import Mapping, Naming, Results

PATH_FIELDS = {
    *("id", "username", "email", "path", "empty", "at", "code", "message", "stored", "failed"),
}
PLACEHOLDER = re.compile(r"\{(index|id)\}")


def complaints(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """The rules that the mapping breaks: each a field's path and what is expected there."""
    yield from _about_request(mapping)
    yield from _about_proof(mapping)
    for number, results in enumerate(mapping.results):
        yield from _about_results(f"results[{number}]", results, mapping)
    yield from _about_codes(mapping)
    yield from _about_paths(mapping)


def _about_request(mapping: Mapping) -> Iterator[tuple[str, str]]:
    request, record = mapping.request, mapping.record
    if not (record.id or record.username or record.email):
        yield "record", "give at least one path under id, username or email."
    if request.envelope is None and request.constants:
        yield "request.constants", "a body that is a bare list has no room for other fields."
    if request.envelope in request.constants:
        yield "request.constants", f"“{request.envelope}” is the name of the list of records."
    try:
        json.dumps(request.constants, allow_nan=False)
    except ValueError:
        yield "request.constants", "NaN and Infinity are not JSON."


def _about_proof(mapping: Mapping) -> Iterator[tuple[str, str]]:
    holds = [results.holds for results in mapping.results]
    if mapping.proof == "status" and set(holds) - {"failures"}:
        yield (
            "results",
            'may only list failures where proof is "status": all others are taken as stored.',
        )
    if mapping.proof == "results" and not holds:
        yield "results", "name at least one list: where the answer says what became of whom."
    if "all" in holds and len(holds) > 1:
        yield "results", 'a list that holds "all" must be the only one.'
    if len(set(holds)) < len(holds):
        yield "results", "two lists must not hold the same."
    yield from _about_rest(mapping, holds)


def _about_rest(mapping: Mapping, holds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Silence is not success: a list of failures alone says nothing about all the others."""
    says = mapping.rest.when is not None or mapping.rest.stored or mapping.rest.failed
    if says and ("failures" not in holds or mapping.proof == "status"):
        yield "rest", 'belongs to a list that holds "failures", and is its proof of the others.'
    if mapping.proof == "results" and set(holds) == {"failures"} and not says:
        yield (
            "rest",
            "say what proves that the customers are stored which the failures do not name: "
            'rest.failed (the path of a count of failures, such as "failed"), rest.stored (the '
            "path of a count of those stored), or rest.when (a condition on the whole answer, "
            'such as {"path": "status", "equals": ["complete"]}). A list that holds "all" or '
            '"successes" does without.',
        )


def _about_results(where: str, results: Results, mapping: Mapping) -> Iterator[tuple[str, str]]:
    if results.holds == "all" and results.success is None:
        yield f"{where}.success", "say what success looks like in a list that holds all records."
    if results.name.by == "position" and results.holds != "all":
        yield f"{where}.name.by", "position is proof only in a list that holds all records."
    if results.name.by == "trace" and not mapping.request.trace_field:
        yield f"{where}.name.by", "a trace id needs request.trace_field to be sent."
    if results.count_is_proof and results.holds != "successes":
        yield f"{where}.count_is_proof", "only a list of successes can be counted as proof."
    yield from _about_naming(f"{where}.name", results.name)


def _about_naming(where: str, name: Naming) -> Iterator[tuple[str, str]]:
    if name.by == "id" and not (name.id or name.username or name.email):
        yield where, "give at least one of the paths id, username, email."
    if name.by in ("index", "trace", "pointer") and not name.path:
        yield f"{where}.path", f'say where an entry holds its {name.by}, as by is "{name.by}".'
    wants_template = name.by == "pointer" or (name.by == "key" and name.template)
    if wants_template and len(PLACEHOLDER.findall(name.template)) != 1:
        yield f"{where}.template", "needs {index} or {id} once, such as “data[{index}]”."


def _about_codes(mapping: Mapping) -> Iterator[tuple[str, str]]:
    codes = Counter(code for group in msgspec.structs.astuple(mapping.codes) for code in group)
    for code, times in codes.items():
        if times > 1:
            yield "codes", f"“{code}” is listed {times} times: one code has one meaning."


def _about_paths(mapping: Mapping) -> Iterator[tuple[str, str]]:
    for where, path in _paths("", mapping):
        if path and not all(steps(path)):
            yield where, f"“{path}” is not a path: write names joined by single dots."


def _paths(where: str, part: object) -> Iterator[tuple[str, str]]:
    """All paths of a mapping, each with the field it stands in."""
    if isinstance(part, tuple):
        for number, item in enumerate(part):
            yield from _paths(f"{where}[{number}]", item)
    elif isinstance(part, str) and _is_path_field(where):
        yield where, part
    elif isinstance(part, msgspec.Struct):
        for field in part.__struct_fields__:
            yield from _paths(f"{where}.{field}".lstrip("."), getattr(part, field))


def _is_path_field(where: str) -> bool:
    field = re.sub(r"\[\d+\]$", "", where).rsplit(".", 1)[-1]
    return field in PATH_FIELDS
