"""What is wrong with a mapping document: all of it at once, each field's path and what fits there.

First what the schema does not take, then what the fields must be to one another, which a schema
can't express.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import inspect

from imports.customers.api.auth import BadCredential, check_headers
from imports.customers.api.json_paths import steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imports.customers.api.mapping import Mapping, Naming, Poll, Request, Results


PATH_FIELDS = {
    *("id", "username", "email", "path", "empty", "at", "code", "message", "stored", "failed"),
    *("list", "map_key", "assigned", "job", "next"),
}
ADAPTERS = ("salesforce-bulk", "odata-batch")
PLACEHOLDER = re.compile(r"\{(index|id|record_key)\}")
PLACEHOLDERS = re.compile(r"\{[^\s{}]+\}")  # of a wrap: requests.py reads them


def complaints(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """The rules that the mapping breaks: each a field's path and what is expected there."""
    yield from _about_request(mapping)
    yield from _about_adapter(mapping)
    yield from _about_readings(mapping)
    yield from _about_codes(mapping)
    yield from _about_paths(mapping)
    yield from _about_checks("", mapping)
    if mapping.poll is not None:
        yield from _about_poll(mapping.poll)
    if mapping.lookup is not None and not mapping.lookup.compare:
        yield "lookup.compare", "name at least one field that must be equal: to exist is no proof."
    unsafe = [status for status in mapping.splittable if status >= 500]
    if unsafe and not mapping.five_xx_safe:
        yield "splittable", f"{unsafe[0]} needs five_xx_safe: true, or halves may be stored twice."


def _about_readings(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """Each way in which an answer is read, the ordinary one and the alternatives."""
    yield from _about_proof("", mapping)
    for number, results in enumerate(mapping.results):
        yield from _about_results(f"results[{number}]", results, mapping)
    for number, (how, changed) in enumerate(
        zip(mapping.answers, mapping.alternatives, strict=True)
    ):
        where = f"answers[{number}]."
        if not how.on and how.when is None:
            yield where[:-1], "say when it counts: on (a list of statuses), when, or both."
        if how.accepted and not how.on:
            yield f"{where}accepted", "needs the statuses that it is about, under on."
        no_refusal = [s for s in how.on if s <= 299 and s not in mapping.accepted]
        if no_refusal:
            yield f"{where}on", f"{no_refusal[0]} is not among accepted."
        if not how.on or how.accepted or min(how.on) <= 299:
            yield from _about_proof(where, changed)
        for place, results in enumerate(how.results or ()):
            yield from _about_results(f"{where}results[{place}]", results, changed)


def _about_adapter(mapping: Mapping) -> Iterator[tuple[str, str]]:
    if mapping.adapter and mapping.adapter not in ADAPTERS:
        yield "adapter", f"there is none of this name. Allowed: {', '.join(ADAPTERS)}."
    if mapping.adapter and mapping.poll is not None:
        yield "poll", "an adapter asks for its results by itself."
    if mapping.adapter and not mapping.request.is_plain:
        yield "request", "an adapter makes its own requests: leave shape, format and wrap out."


def _about_request(mapping: Mapping) -> Iterator[tuple[str, str]]:
    request, record = mapping.request, mapping.record
    if not (record.id or record.username or record.email):
        yield "record", "give at least one path under id, username or email."
    try:
        check_headers(request.headers)
    except BadCredential as error:
        yield "request.headers", str(error)
    yield from _about_shape(request)
    yield from _about_format(request)
    if not request.place and request.constants:
        yield "request.constants", "a body that is a bare list has no room for other fields."
    if not request.list and request.envelope in request.constants:
        yield "request.constants", f"“{request.envelope}” is the name of the list of records."
    level: Any = request.constants
    for name in request.list.split(".")[:-1]:
        level = level.get(name, {})
        if not isinstance(level, dict):
            yield "request.constants", f"“{name}” must be an object, as request.list leads there."
            break
    else:
        if request.list and request.list.rpartition(".")[2] in level:
            yield "request.constants", f"“{request.list}” is the place of the records."
    try:
        json.dumps(request.constants, allow_nan=False)
    except ValueError:
        yield "request.constants", "NaN and Infinity are not JSON."


def _about_shape(request: Request) -> Iterator[tuple[str, str]]:
    if request.shape == "one" and request.max_records != 1:
        yield "request.max_records", 'must be 1, as shape is "one": one record for each request.'
    if request.trace_field and (request.wrap is not None or request.shape != "list"):
        yield "request.trace_field", "put the trace id into wrap instead: {index}."
    if request.empty_allowed and request.shape == "one":
        yield "request.empty_allowed", 'means nothing where shape is "one".'
    if request.map_key and request.shape != "map":
        yield "request.map_key", 'belongs to shape "map".'
    if request.idempotent and not _carries_key(request):
        yield (
            "request.idempotent",
            "needs a key in the body: {key} in constants or wrap, {record_key} in wrap, or "
            'map_key "record_key".',
        )
    if request.wrap is not None and not _mentions_record(request.wrap):
        yield "request.wrap", 'must hold the record: "{record}".'


def _carries_key(request: Request) -> bool:
    keys, text = ("{key}", "{record_key}"), json.dumps([request.constants, request.wrap])
    return request.map_key == "record_key" or any(key in text for key in keys)


def _mentions_record(wrap: Any) -> bool:
    return "{record}" in json.dumps(wrap) or PLACEHOLDERS.search(json.dumps(wrap)) is not None


def _about_format(request: Request) -> Iterator[tuple[str, str]]:
    if request.format == "json":
        if request.columns:
            yield "request.columns", 'belongs to format "csv".'
        return
    if request.shape != "list":
        yield "request.shape", f'must be "list", as format is "{request.format}".'
    if request.constants:
        yield "request.constants", f"a body of {request.format} has no room for other fields."
    if request.format == "csv" and not request.columns:
        yield "request.columns", "name the columns: heading to path in the record."
    if request.format == "csv" and request.wrap is not None:
        yield "request.wrap", "a row of CSV is not wrapped: say what it holds under columns."


def _about_poll(poll: Poll) -> Iterator[tuple[str, str]]:
    if poll.url == "@location":
        if poll.results_url and "{job}" in poll.results_url and not poll.job:
            yield "poll.job", "say where the answer names the job: results_url has {job}."
    elif "{job}" not in poll.url:
        yield "poll.url", 'needs {job} in it, or is "@location".'
    elif not poll.job:
        yield "poll.job", "say where the answer to the batch names the job."
    if "{location}" in poll.results_url and poll.url != "@location":
        yield "poll.results_url", 'has {location} only where url is "@location".'
    if poll.next_parameter and poll.next == "@link":
        yield "poll.next_parameter", "means nothing where the Link header names the next page."
    if poll.next_parameter and not poll.next:
        yield "poll.next", "say where a page holds the cursor for next_parameter."


def _about_checks(where: str, part: object) -> Iterator[tuple[str, str]]:
    """A condition must ask for something: nothing but emptiness is met by an empty answer."""
    if isinstance(part, tuple):
        for number, item in enumerate(part):
            yield from _about_checks(f"{where}[{number}]", item)
    elif isinstance(part, msgspec.Struct):
        names = part.__struct_fields__
        if "equals" in names and "present" in names and not _asks(part):
            yield where, 'say what it must be: equals (a list of values), or "present": true.'
        for field in names:
            yield from _about_checks(f"{where}.{field}".lstrip("."), getattr(part, field))


def _asks(check: Any) -> bool:
    return bool(check.equals or check.present)


def _about_proof(where: str, mapping: Mapping) -> Iterator[tuple[str, str]]:
    if mapping.adapter:
        return
    holds = [results.holds for results in mapping.results]
    if mapping.proof == "status" and set(holds) - {"failures"}:
        yield (
            f"{where}results",
            'may only list failures where proof is "status": all others are taken as stored.',
        )
    if mapping.proof == "results" and not holds:
        text = "name at least one list: where the answer says what became of whom."
        yield f"{where}results", text
    if "all" in holds and set(holds) != {"all"}:
        text = 'lists that hold "all" stand by themselves, without failures or successes.'
        yield f"{where}results", text
    if len(holds) > 1 and any(results.name.by == "position" for results in mapping.results):
        yield f"{where}results", "position is proof only where there is one list."
    yield from _about_rest(where, mapping, holds)


def _about_rest(where: str, mapping: Mapping, holds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Silence is not success: a list of failures alone says nothing about all the others."""
    says = mapping.rest.when is not None or mapping.rest.stored or mapping.rest.failed
    if says and (not {"failures", "all"} & set(holds) or mapping.proof == "status"):
        yield (
            f"{where}rest",
            'belongs to a list that holds "failures", and is its proof of the others; or to one '
            'that holds "all", which must agree with it.',
        )
    if mapping.proof == "results" and set(holds) == {"failures"} and not says:
        yield (
            f"{where}rest",
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
    sends_trace = mapping.request.trace_field or "{index}" in json.dumps(mapping.request.wrap)
    if results.name.by == "trace" and not sends_trace:
        text = "a trace id needs request.trace_field to be sent, or {index} in request.wrap."
        yield f"{where}.name.by", text
    if results.name.by == "key" and results.shape != "list":
        yield f"{where}.shape", 'is that of an object already, as name.by is "key".'
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
    groups = msgspec.structs.astuple(mapping.codes)
    codes = Counter(str(code) for group in groups for code in group)
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


MOST_ERRORS = 50
_Struct = TypeVar("_Struct", bound=msgspec.Struct)
_Path = tuple[str | int, ...]
MISSING = object()
WORDS = {
    "array": "a list", "object": "an object", "str": "a text", "int": "a whole number",
    "float": "a number", "bool": "true or false",
}  # fmt: skip
_TYPES = re.compile("`((?:array|object|str|int|float|bool|null)(?: \\| [a-z]+)*)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
# What stands in for a required field that is missing or wrong, so that the rest can be read.
FILLERS: dict[str, Any] = {
    "accepted": [200], "record": {"id": ["id"]}, "name": {"by": "position"}, "by": "position",
    "path": "", "url": "/", "done": {"path": "", "present": True}, "compare": {"id": "id"},
}  # fmt: skip


def converted(
    document: object, kind: type[_Struct]
) -> tuple[_Struct | None, list[tuple[str, str]]]:
    """The document as a structure without its wrong fields, and what is wrong with those."""
    document, errors = copy.deepcopy(document), list[tuple[str, str]]()
    taken_out: dict[_Path, list[int]] = {}
    for _ in range(MOST_ERRORS):
        try:
            return msgspec.convert(document, kind), errors
        except msgspec.ValidationError as error:
            what, _at, where = str(error).partition(" - at `$")
            path = _steps(where.rstrip("`"))
            written = _text(_as_written(path, taken_out))
            errors.append((written or "the mapping", _sentence(what, path, kind)))
            if not _mend(document, path, what, taken_out):
                break
    return None, errors


def _steps(where: str) -> _Path:
    found = (name or at for name, at in _STEP.findall(where))
    return tuple(int(step) if step.isdecimal() else step for step in found)


def _text(path: _Path) -> str:
    """A path as it is written: results[0].name."""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in path).lstrip(".")


def _as_written(path: _Path, taken_out: dict[_Path, list[int]]) -> _Path:
    """The path with the numbers of the items as they were before wrong ones were taken out."""
    found: list[str | int] = []
    for depth, step in enumerate(path):
        if isinstance(step, int):
            for gone in sorted(taken_out.get(path[:depth], ())):
                step += gone <= step
        found.append(step)
    return tuple(found)


def _sentence(what: str, path: _Path, kind: type[msgspec.Struct]) -> str:
    """msgspec's words ("Expected `int`, got `str`") in ours, with what is allowed."""
    unknown = re.search(r"unknown field `(.*)`", what)
    here = _type_at(path, kind)
    if unknown is not None:
        known = ", ".join(sorted(_fields(here)))
        return f"there is no field “{unknown[1]}” here. Known fields: {known}."
    allowed = next((t.values for t in _kinds(here) if isinstance(t, inspect.LiteralType)), ())
    listed = f" Allowed: {', '.join(map(str, allowed))}." if allowed else ""
    return f"{what[:1].lower()}{_TYPES.sub(_in_words, what[1:])}.{listed}"


def _in_words(types: re.Match[str]) -> str:
    return " or ".join(WORDS.get(each, each) for each in types[1].split(" | "))


@lru_cache(maxsize=1)
def _root(kind: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(kind)


def _type_at(path: _Path, kind: type[msgspec.Struct]) -> inspect.Type | None:
    here: inspect.Type | None = _root(kind)
    for step in path:
        inner = None
        for one in _kinds(here):
            if isinstance(one, inspect.StructType):
                inner = inner or _fields(one).get(str(step))
            elif isinstance(one, inspect.VarTupleType):
                inner = inner or one.item_type
            elif isinstance(one, inspect.DictType):
                inner = inner or one.value_type
        here = inner
    return here


def _kinds(one: inspect.Type | None) -> tuple[inspect.Type, ...]:
    if isinstance(one, inspect.Metadata):
        return _kinds(one.type)
    if isinstance(one, inspect.UnionType):
        return one.types
    return (one,) if one is not None else ()


def _fields(one: inspect.Type | None) -> dict[str, inspect.Type]:
    return {
        field.encode_name: field.type
        for each in _kinds(one)
        if isinstance(each, inspect.StructType)
        for field in each.fields
    }


def _mend(document: Any, path: _Path, what: str, taken_out: dict[_Path, list[int]]) -> bool:
    """Take the wrong value out, or put a stand-in in, so that the next error shows."""
    missing = re.search(r"missing required field `(.*)`", what)
    unknown = re.search(r"unknown field `(.*)`", what)
    if "..." in path:
        path = path[: path.index("...")]
    holder = _at(document, path)
    if unknown or missing:
        if not isinstance(holder, dict):
            return False
        if unknown:
            return holder.pop(unknown[1], MISSING) is not MISSING
        if missing:
            holder[missing[1]] = copy.deepcopy(FILLERS.get(missing[1], ""))
        return True
    return bool(path) and _take_out(document, path, taken_out)


def _at(document: Any, path: _Path) -> Any:
    for step in path:
        try:
            document = document[step]
        except (LookupError, TypeError):
            return None
    return document


def _take_out(document: Any, path: _Path, taken_out: dict[_Path, list[int]]) -> bool:
    holder, last = _at(document, path[:-1]), path[-1]
    if isinstance(holder, dict) and last in holder:
        if last in FILLERS and holder[last] != FILLERS[str(last)]:
            holder[last] = copy.deepcopy(FILLERS[str(last)])
        else:
            del holder[last]
        return True
    if isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        del holder[last]
        written = _as_written(path, taken_out)[-1]
        taken_out.setdefault(path[:-1], []).append(int(written))
        if not holder and len(path) > 1:
            holder.extend(FILLERS.get(str(path[-2]), []))
        return True
    return False
