"""Finds customers that occur twice, in one file or across files, in memory that does not grow."""

from __future__ import annotations

import tempfile
import unicodedata
from array import array
from collections import Counter
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

MOST_IN_MEMORY = 500_000  # customers; of more, `Repeats` finds those that come again

FIRST_SLOTS = 1 << 12
_POSITION_BITS = 40
_HASH_MASK = (1 << 64) - 1


class Earlier(NamedTuple):
    """Where a customer stood before. `exact` is False for ids that only look the same.

    `batch` is the number of the batch that the latest copy before went into, 0 where that is
    not known.
    """

    file: str
    position: int
    exact: bool
    batch: int = 0


class IdRegister:
    """A hash table of 64-bit hashes, with the place and a hash of the exact id beside each.

    A set of a million Python strings costs over 100 MB, and duplicates are only reported: two
    ids that share a hash (one chance in millions of millions) would be one needless warning.
    """

    def __init__(self, spelling: Callable[[str], str] = str) -> None:
        """`spelling`: what the ids of one customer have in common to this API."""
        self._spelling = spelling
        self._files: list[str] = []
        self._count = 0
        self._last = 0  # the slot of the customer that was added last
        self._resize(FIRST_SLOTS)

    def __len__(self) -> int:
        return self._count

    def add(self, key: str, file: str, position: int) -> Earlier | None:
        """Register a customer; where it, or one that looks the same, was registered before."""
        if not self._files or self._files[-1] != file:
            self._files.append(file)
        key = self._spelling(key)
        looks, exact = hash(normalised(key)) & _HASH_MASK or 1, hash(key) & 0xFFFFFFFF
        slot = self._last = self._slot(looks)
        if self._looks[slot]:
            index, first = divmod(self._places[slot], 1 << _POSITION_BITS)
            same = self._exact[slot] == exact
            return Earlier(self._files[index], first, same, self._batches[slot])
        place = (len(self._files) - 1 << _POSITION_BITS) + position
        self._put(slot, looks, exact, place)
        self._count += 1
        if 3 * self._count > 2 * len(self._looks):
            self._grow(2 * len(self._looks))
            self._last = self._slot(looks)
        return None

    def add_all(self, keys: Sequence[str], file: str, first: int) -> Iterator[tuple[int, Earlier]]:
        """Register the customers from position `first` on; yield those that were there before.

        Each with its index. The iterator must be read to its end.
        """
        self.expect(len(keys))
        hashes = self._plain_hashes(keys)
        if hashes is None:
            for index, key in enumerate(keys):
                if key and (earlier := self.add(key, file, first + index)):
                    yield index, earlier
            return
        if not self._files or self._files[-1] != file:
            self._files.append(file)
        place, mask = (len(self._files) - 1 << _POSITION_BITS) + first, len(self._looks) - 1
        table, exact, places = self._looks, self._exact, self._places
        for index, looks in enumerate(hashes):
            looks = looks & _HASH_MASK or 1
            slot = looks & mask
            if table[slot]:
                if earlier := self.add(keys[index], file, first + index):
                    yield index, earlier
                continue
            table[slot], exact[slot], places[slot] = looks, looks & 0xFFFFFFFF, place + index
            self._count += 1

    def expect(self, more: int) -> None:
        """Make room for as many more customers: cheaper than to grow several times."""
        slots = len(self._looks)
        while 3 * (self._count + more) > 2 * slots:
            slots *= 2
        if slots > len(self._looks):
            self._grow(slots)

    def _plain_hashes(self, keys: Sequence[str]) -> list[int] | None:
        """The hashes of keys that are all written plainly, so that `normalised` changes none."""
        spelled = list(map(self._spelling, keys))
        return list(map(hash, spelled)) if all(spelled) and _is_plain(spelled) else None

    def has(self, looks: int) -> bool:
        """Whether a customer was registered that has this hash, or that of a look-alike."""
        return bool(self._looks[self._slot(looks & _HASH_MASK or 1)])

    def put_in(self, batch: int) -> None:
        """Remember which batch the customer that was added last went into."""
        self._batches[self._last] = batch

    def _slot(self, looks: int) -> int:
        """The slot that holds this hash, or the empty one where it belongs (linear probing)."""
        mask = len(self._looks) - 1
        slot = looks & mask
        while (held := self._looks[slot]) and held != looks:
            slot = (slot + 1) & mask
        return slot

    def _put(self, slot: int, looks: int, exact: int, place: int) -> None:
        self._looks[slot], self._exact[slot], self._places[slot] = looks, exact, place

    def _resize(self, slots: int) -> None:
        self._looks = array("Q", bytes(8 * slots))
        self._exact = array("I", bytes(4 * slots))
        self._places = array("Q", bytes(8 * slots))
        self._batches = array("I", bytes(4 * slots))

    def _grow(self, slots: int) -> None:
        old = zip(self._looks, self._exact, self._places, self._batches, strict=True)
        self._resize(slots)
        for looks, exact, place, batch in old:
            if looks:
                slot = self._slot(looks)
                self._put(slot, looks, exact, place)
                self._batches[slot] = batch


PARTS = 256
MOST_WAITING = 500_000  # names that are in memory before they are written: 8 MB


class Repeats:
    """Finds which of many records name a customer that another one names: on disk.

    The hash of each name goes, with the record's number, to one of many parts. Equal hashes meet
    in one part, and one part is in memory at a time: it takes time that grows with the records,
    and memory that hardly does. Only the records that it marks need an `IdRegister`.
    """

    def __init__(
        self,
        directory: Path,
        spelling: Callable[[str], str] = str,
        known: IdRegister | None = None,
    ) -> None:
        """`directory` is where the parts lie; those in `known` were named before all of these."""
        self._directory, self._spelling = directory, spelling
        self._known = known if known else None
        self._parts = [array("q") for _part in range(PARTS)]
        self._waiting, self._last = 0, 0
        self._file: IO[bytes] | None = None
        self._runs: list[list[tuple[int, int]]] = [[] for _part in range(PARTS)]
        self._again = array("q")  # the numbers of records that name one of the known

    def add(self, key: str, file: str, position: int) -> None:
        """Take one record in, as `IdRegister.add` does; nothing is known yet."""
        self.add_all([key], file, position)

    def add_all(self, keys: Sequence[str], _file: str, first: int) -> tuple[()]:
        """Take records in that have the numbers from `first` on; "" names nobody."""
        parts, nobody = self._parts, hash("")
        for number, looks in enumerate(_hashes(keys, self._spelling), first):
            if looks == nobody:
                continue
            part = parts[looks % PARTS]
            part.append(looks)
            part.append(number)
            if self._known is not None and self._known.has(looks):
                self._again.append(number)
        self._waiting += len(keys)
        self._last = max(self._last, first + len(keys))
        if self._waiting >= MOST_WAITING:
            self._write()
        return ()

    def marks(self) -> bytearray | None:
        """A byte for each number, 1 if its record is not alone with its name; None if all are."""
        found: bytearray | None = None
        for part in map(self._whole, range(PARTS)):
            names = part[::2]
            if len(set(names)) == len(names):
                continue
            found = found or bytearray(self._last)
            counts = Counter(names)
            for looks, number in zip(names, part[1::2], strict=True):
                found[number] = found[number] or counts[looks] > 1
        if self._again:
            found = found or bytearray(self._last)
            for number in self._again:
                found[number] = 1
        return found

    def _write(self) -> None:
        """Move what waits to the disk: a run for each part."""
        if self._file is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._directory, prefix="new-")  # noqa: SIM115
        for part, runs in zip(self._parts, self._runs, strict=True):
            runs.append((self._file.tell(), len(part)))
            part.tofile(self._file)
            del part[:]
        self._waiting = 0

    def _whole(self, number: int) -> array[int]:
        """All of one part."""
        found = array("q")
        if self._file is not None:
            for start, count in self._runs[number]:
                self._file.seek(start)
                found.fromfile(self._file, count)
        found.extend(self._parts[number])
        return found


def _hashes(keys: Sequence[str], spelling: Callable[[str], str]) -> map[int]:
    """For each key a hash that it shares with all that look the same."""
    spelled = list(map(spelling, keys))
    return map(hash, spelled if _is_plain(spelled) else map(normalised, spelled))


def _is_plain(spelled: Sequence[str]) -> bool:
    """Whether `normalised` changes none of them."""
    together = "".join(spelled)
    return together.isascii() and together == together.lower() == "".join(together.split())


class Place(NamedTuple):
    """Where a record stands: in which of the job's files (from 0), what it is called, where."""

    file_index: int
    file: str
    position: int


class LastCopies:
    """Where the last copy of each customer stands that a job's files name more than once.

    Only what the API takes for the same id is the same customer here: an id that looks alike may
    be another one.
    """

    def __init__(self, spelling: Callable[[str], str] = str) -> None:
        self._spelling = spelling
        self._register = IdRegister(spelling)
        self._places: dict[str, Place] = {}  # of those that have several copies

    def add(self, key: str, place: Place) -> None:
        """Register a copy, in the files' order."""
        if self._register.add(key, place.file, place.position):
            self._places[self._spelling(key)] = place

    def later(self, key: str, place: Place) -> Place | None:
        """Where the customer's last copy stands, if that is not the one at `place`."""
        last = self._places.get(self._spelling(key))
        return last if last is not None and last != place else None


def normalised(key: str) -> str:
    """`key` without the differences of look-alikes: case, white space, Unicode form."""
    if key.isascii():
        return "".join(key.split()).lower()
    folded = unicodedata.normalize("NFKC", key).casefold()
    return "".join(unicodedata.normalize("NFKC", folded).split())
