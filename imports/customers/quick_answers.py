"""Judges the usual good answer at once: one entry for each record, each of them a success.

It says that all of a batch is stored, or nothing at all: then `api.record_results` judges each
entry, and finds the same (a property test compares them). The names of the records that were sent
are read only when an answer asks. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, overload

import msgspec

from imports.customers.api.json_paths import as_name, find
from imports.customers.api.mapping import RecordKey
from imports.customers.name_columns import LookCloser, NameColumns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imports.customers.api.mapping import Mapping, Results


_ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")


class SentRecords(Sequence[RecordKey]):
    """How each record of a batch may be named in the answer; read only when an answer asks."""

    def __init__(self, body: bytes, size: int, mapping: Mapping) -> None:
        """`body` is the batch as it is frozen, with the API's envelope."""
        self._mapping, self._body, self._size = mapping, body, size

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> RecordKey: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RecordKey]: ...
    def __getitem__(self, index: int | slice) -> RecordKey | Sequence[RecordKey]:
        return self._keys[index]

    def ids(self) -> list[str]:
        """The id of each record, "" for none. Raises LookCloser or ValueError where it is in
        doubt.
        """
        text, paths = self._list(), self._mapping.record.id
        # A name with a dot in it, which these columns do not look for; or one written oddly.
        if any(b'"%b"' % path.encode() in text for path in paths if "." in path):
            raise LookCloser
        if b"\\u00" in text and _ESCAPED_ASCII.search(text):
            raise LookCloser
        return next(_columns(paths).read(text))

    @cached_property
    def _keys(self) -> list[RecordKey]:
        return [self._mapping.key_of(record) for record in msgspec.json.decode(self._list())]

    def _list(self) -> bytes:
        """The records as a JSON list of their own, without the API's envelope."""
        start, end = len(self._mapping.opening), -len(self._mapping.closing)
        return b"[" + self._body[start:end] + b"]"


@cache
def _columns(paths: tuple[str, ...]) -> NameColumns:
    return NameColumns(paths)


_decode = msgspec.json.decode
_encode = msgspec.json.encode


def all_stored(answer: bytes, mapping: Mapping, sent: Sequence[RecordKey]) -> bool:
    """Whether an accepted answer names each record once, by its id, as stored, and nobody else.

    If the API assigned ids, they are the records' own, which is no news.
    """
    results = _only_list(mapping)
    if results is None or not isinstance(sent, SentRecords):
        return False
    try:
        entries = _entries(answer, results)
        named = _name_all(entries, results.name.id, sent.ids())
        return named and all(_succeed(entries, results, mapping))
    except (LookCloser, ValueError, TypeError, RecursionError):  # msgspec's are ValueErrors
        return False


def _only_list(mapping: Mapping) -> Results | None:
    """The list of the mapping, if it is of the usual kind: a name and a value in each entry."""
    if len(mapping.results) != 1 or not mapping.request.is_plain or _is_special(mapping):
        return None
    results = mapping.results[0]
    success = results.success
    usual = (
        (results.holds, results.shape, results.name.by) == ("all", "list", "id")
        and success is not None
        and not (success.empty or success.present)
        and results.failure is None
        and results.assigned in ("", results.name.id)
    )
    paths = (results.name.id, results.code, success.path if success else "")
    plain = results.name.id and all("." not in path for path in paths)
    return results if usual and plain else None


def _is_special(mapping: Mapping) -> bool:
    """Whether more than the one list decides, or more than one spelling names a record."""
    record = mapping.record
    spelled = record.ignore_case or record.ignore_leading_zeros
    other = mapping.envelope.when or mapping.poll or mapping.adapter or mapping.answers
    counted = mapping.rest.when or mapping.rest.stored or mapping.rest.failed
    return bool(spelled or other or counted) or mapping.answer_format != "json"


def _entries(answer: bytes, results: Results) -> list[Any]:
    """The entries of an answer in which no key stands twice: each key has its colon."""
    document = _decode(answer)
    if b"\\u003" in answer or _encode(document).count(b":") != answer.count(b":"):
        raise LookCloser
    entries = find(document, results.at)
    if not isinstance(entries, list):
        raise LookCloser
    return entries


def _name_all(entries: list[Any], path: str, ids: list[str]) -> bool:
    named = [entry[path] for entry in entries if path in entry]
    if set(map(type, named)) != {str}:
        named = list(map(as_name, named))
    names = set(ids)
    return (
        len(entries) == len(named) == len(ids) == len(names)
        and names == set(named)
        and ("" not in names)
    )


def _succeed(entries: list[dict[str, Any]], results: Results, mapping: Mapping) -> Iterator[bool]:
    """For each thing that an entry can say, whether it is that the record is stored."""
    success = results.success
    if success is None:
        raise LookCloser
    said = [entry[success.path] for entry in entries]
    yield set(zip(map(type, said), said, strict=True)) <= {(type(v), v) for v in success.equals}
    codes = [entry.get(results.code) for entry in entries] if results.code else []
    if set(map(type, codes)) <= {str, type(None)}:  # others may be equal, as 1 and true are
        codes = list(set(codes))
    yield mapping.group_by_code.keys().isdisjoint(map(as_name, codes))
