"""How the records of a batch that was sent may be named in the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, overload

import msgspec

from imports.customers.api.mapping import RecordKey
from imports.customers.name_columns import LookCloser, NameColumns

if TYPE_CHECKING:
    from imports.customers.api.mapping import Mapping

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
