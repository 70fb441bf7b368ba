"""Judges many records at once, in C: says of a stretch of a list that all its records can be sent,
or nothing at all.

What it says, `validation.Judge` would say of each record: no fault, no warning, the same names
(a property test compares them). Where it says nothing, the judge finds out why.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import accumulate
from multiprocessing import Pipe
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

import msgspec

from imports.customers.files.errors import ROW_KEY
from imports.customers.files.gk import GkRecord
from imports.customers.name_columns import LookCloser, NameColumns, list_of

if TYPE_CHECKING:
    from mmap import mmap
    from multiprocessing.connection import Connection

    from imports.customers.files.limits import Checks

DEEPEST_QUICK = 8  # levels; the judge looks at deeper records
EXACT_INTEGERS = 2**53
_LONG_NUMBER = re.compile(rb"[:,\[][ \t\r\n]*-?(?:[0-9.]{17}|[0-9.]+[eE])")
# What may be text that was encoded twice, as validation.encoded_twice looks for it, and the same
# with one or both of the two characters escaped.
_PAIR = re.compile(rb"\xc3[\x82-\xb4](?:[\xc2\xc5\xc6\xcb\xe2]|\\u)")
_ESCAPED_PAIR = re.compile(rb"\\u00[c-fC-F][0-9a-fA-F](?:[\xc2\xc5\xc6\xcb\xe2]|\\u)")
CARRIED = ROW_KEY.encode()
RULES: dict[str, Any] = {"gk": GkRecord}  # as validation.RULES, as types


STRETCH_BYTES = 64 << 10  # of a list that are judged at once


class Seam(NamedTuple):
    """What stands between two records of a list, as far as the next ones are alike."""

    text: bytes  # the last byte of one record to the first key of the next
    gap: int  # bytes from a record's end to the next one's start
    reach: int  # how far from a record's start the seam is looked for, in bytes

    def stretch_end(self, data: mmap, start: int) -> int:
        """Where the stretch ends that begins there: behind a record; 0 if none does."""
        return data.rfind(self.text, start, start + STRETCH_BYTES) + 1


class Stretch(NamedTuple):
    """Records that stand behind each other and can all be sent: as validation.Record has them."""

    raws: list[bytes]
    keys: list[str]
    emails: list[str]


Quick = Callable[["mmap", int, int, Seam], Stretch | None]


class QuickCheck:
    """Judges stretches of one file. Made once for a file."""

    def __init__(self, checks: Checks) -> None:
        self._largest = checks.largest_record
        self._id_required = checks.id_required
        self._rule = list_of(RULES[checks.rules]) if checks.rules else None
        ids = (*checks.id_paths, *checks.username_paths)
        self._names = NameColumns(ids, checks.email_paths)

    def stretch(self, data: mmap, start: int, end: int, seam: Seam) -> Stretch | None:
        """The records of a part of a list, from the first one's `{` to the last one's `}`.

        None: look at each by itself.
        """
        return self.judged(data[start:end], data[end : end + seam.gap])

    def judged(self, text: bytes, between: bytes) -> Stretch | None:
        """The same; `between` stands between any two of them."""
        whole = b"[" + text + b"]"
        try:
            records = _decoded(whole)
            _refuse_doubts(text, records)
            raws = list(map(bytes, _raws().decode(whole)))
            if between.join(raws) != text or max(map(len, raws)) > self._largest:
                return None
            if self._rule is not None:
                msgspec.convert(records, self._rule)
            keys, emails = self._names.of(records)
        except (ValueError, RecursionError, LookCloser):  # msgspec's errors are ValueErrors
            return None
        if not all(keys):
            keys = [key or email for key, email in zip(keys, emails, strict=True)]
        if self._id_required and not all(keys):
            return None
        return Stretch(raws, keys, emails)


PARALLEL_BYTES = 8 << 20  # a smaller file is checked before other processes have begun
MOST_PROCESSES = 3
ASKED_AHEAD = 4  # stretches of each process: little to throw away where the guess was wrong
_Places = tuple[int, int, int]  # where a stretch begins and ends, and the gap in it
_Found = tuple[list[int], list[str], list[str]]  # the sizes, keys and emails of its records


class Ahead:
    """Judges stretches in processes of its own, some of them before the reader asks.

    It guesses where the next stretches begin. A wrong guess costs nothing but work.
    """

    def __init__(self, judge: QuickCheck, data: mmap) -> None:
        self._judge, self._data = judge, data
        self._asked: deque[tuple[_Places, Connection]] = deque()
        self._others: list[tuple[int, Connection]] = []
        self._turn = 0

    def __enter__(self) -> Self:
        """Begin the processes, if the file is worth it; never beside threads, which hold locks."""
        processors = os.cpu_count() or 1
        may_fork = hasattr(os, "fork") and threading.active_count() == 1
        if may_fork and processors > 1 and len(self._data) >= PARALLEL_BYTES:
            with suppress(OSError):  # the system gives no more: those that there are do
                for _n in range(min(processors, MOST_PROCESSES)):
                    self._others.append(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def stretch(self, data: mmap, start: int, end: int, seam: Seam) -> Stretch | None:
        """As `QuickCheck.stretch`."""
        try:
            if self._others:
                return self._answer(start, end, seam)
        except (EOFError, OSError):  # one of them was killed
            self._end()
        return self._judge.stretch(data, start, end, seam)

    def _answer(self, start: int, end: int, seam: Seam) -> Stretch | None:
        this = (start, end, seam.gap)
        if not self._asked or self._asked[0][0] != this:
            while self._asked:  # it was no stretch, or another one
                self._asked.popleft()[1].recv_bytes()
            self._ask(this)
        for _n in range(ASKED_AHEAD * len(self._others) - len(self._asked)):
            after = sum(self._asked[-1][0][1:])
            if not (following := seam.stretch_end(self._data, after)):
                break
            self._ask((after, following, seam.gap))
        found = self._asked.popleft()[1].recv_bytes()
        return self._stretch(start, seam.gap, *_from_other(found)) if found else None

    def _ask(self, places: _Places) -> None:
        self._turn = (self._turn + 1) % len(self._others)
        connection = self._others[self._turn][1]
        connection.send_bytes(_to_other(places))
        self._asked.append((places, connection))

    def _stretch(
        self, start: int, gap: int, sizes: list[int], keys: list[str], emails: list[str]
    ) -> Stretch:
        ends = list(accumulate(sizes, lambda end, size: end + gap + size, initial=start - gap))
        raws = [self._data[end - size : end] for size, end in zip(sizes, ends[1:], strict=True)]
        return Stretch(raws, keys, emails)

    def _begin(self) -> tuple[int, Connection]:
        ours, its = Pipe()
        if pid := os.fork():
            its.close()
            return pid, ours
        ours.close()
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when its pipe does
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._serve(its)
        finally:
            os._exit(0)  # without closing what it shares, the database's connection among it

    def _serve(self, connection: Connection) -> None:
        with suppress(EOFError, OSError):
            while True:
                start, end, gap = _from_us(connection.recv_bytes())
                text, between = self._data[start:end], self._data[end : end + gap]
                if found := self._judge.judged(text, between):
                    sizes = list(map(len, found.raws))
                    connection.send_bytes(_to_us((sizes, found.keys, found.emails)))
                else:
                    connection.send_bytes(b"")

    def _end(self) -> None:
        """They end when nobody can ask them any more."""
        self._asked.clear()
        for _pid, connection in self._others:
            connection.close()
        while self._others:
            with suppress(ChildProcessError):  # where nobody waits for children
                os.waitpid(self._others.pop()[0], 0)


_to_other = _to_us = msgspec.msgpack.encode
_from_us = msgspec.msgpack.Decoder(_Places).decode
_from_other = msgspec.msgpack.Decoder(_Found).decode


def _decoded(whole: bytes) -> list[dict[str, Any]]:
    """The records, if none is deep or has a number that a receiver may round."""
    try:
        return _without_fractions().decode(whole)
    except msgspec.ValidationError:
        if _LONG_NUMBER.search(whole):
            raise
        return _with_fractions().decode(whole)


def _refuse_doubts(text: bytes, records: list[dict[str, Any]]) -> None:
    """Raise LookCloser where a row's faults may be carried, a key may stand twice, or a text may
    hold NUL or be garbled.

    Each key has a colon. Written anew, the records have as many as before, unless a key stood
    twice: a colon in a text remains one, as none is escaped.
    """
    if CARRIED in text:
        raise LookCloser
    if b"\\u00" in text and (
        b"\\u0000" in text or b"\\u003" in text or _ESCAPED_PAIR.search(text)
    ):
        raise LookCloser
    if _PAIR.search(text) or msgspec.json.encode(records).count(b":") != text.count(b":"):
        raise LookCloser


@cache
def _without_fractions() -> msgspec.json.Decoder[list[dict[str, Any]]]:
    return _decoder(Annotated[int, msgspec.Meta(ge=-EXACT_INTEGERS, le=EXACT_INTEGERS)])


@cache
def _with_fractions() -> msgspec.json.Decoder[list[dict[str, Any]]]:
    return _decoder(Annotated[int, msgspec.Meta(ge=-EXACT_INTEGERS, le=EXACT_INTEGERS)] | float)


def _decoder(number: Any) -> msgspec.json.Decoder[list[dict[str, Any]]]:
    """A decoder of records with such numbers, and with no more than so many levels."""
    scalar = value = number | str | bool | None
    for _level in range(DEEPEST_QUICK - 1):
        value = scalar | _object_of(value) | list_of(value)
    return msgspec.json.Decoder(list_of(_object_of(value)))


def _object_of(inside: Any) -> Any:
    return GenericAlias(dict, (str, inside))


@cache
def _raws() -> msgspec.json.Decoder[list[msgspec.Raw]]:
    return msgspec.json.Decoder(list[msgspec.Raw])
