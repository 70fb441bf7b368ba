"""What is strange about records that are sent all the same: reported, never altered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from imports.customers.files.errors import shown
from imports.messages import Message, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imports.customers.files.blocks import Block
    from imports.customers.files.duplicates import Earlier, IdRegister, Repeats
    from imports.customers.files.validation import Record

Sentence = TypeVar("Sentence")

BESIDE = sentence("BESIDE_THE_LIST", _("{file}: {keys} beside the list is not sent."))
SAME = sentence(
    "NAMED_BEFORE",
    _(
        "{file}, record {record}: the customer “{customer}” is also record {other_record} of "
        "{other_file}. Both will be sent, unless you remove one."
    ),
)
ALIKE = sentence(
    "ALMOST_NAMED_BEFORE",
    _(
        "{file}, record {record}: the customer “{customer}” differs only by case, space or "
        "Unicode form from record {other_record} of {other_file}. Both will be sent, unless you "
        "remove one."
    ),
)
MOST_SENTENCES = 100  # a verdict lists as many refusals, warnings and duplicates, and counts all


@dataclass(slots=True, kw_only=True)
class Warnings:
    """What is strange about records that are sent all the same.

    Lists hold the first hundred sentences; counts are complete. `duplicates` are customers that
    an earlier record, of the same file or another, already names.
    """

    warned: int = 0
    duplicated: int = 0
    left_out_copies: int = 0
    leaves_earlier_out: bool = False
    warnings: list[Message] = field(default_factory=list)
    duplicates: list[Message] = field(default_factory=list)

    def warn(
        self, name: str, record: Record, register: IdRegister | Repeats | None
    ) -> Earlier | None:
        """Count what is strange about one record of the file that is called `name`.

        `register` knows the customers before; None if the record's is certainly none of them.
        Where the same customer, or one that looks the same, stood before.
        """
        if record.warnings:
            self.warned += 1
            for warning in record.warnings:
                keep(self.warnings, warning)
        if register is None or not record.key:
            return None
        earlier = register.add(record.key, name, record.position)
        if earlier:
            self._count_copy(name, record.key, record.position, earlier)
        return earlier

    def warn_all(self, name: str, block: Block, register: IdRegister | Repeats) -> None:
        """The same for a block of records about which nothing is strange but their company."""
        for index, earlier in register.add_all(block.keys, name, block.first):
            self._count_copy(name, block.keys[index], block.first + index, earlier)

    def warn_marked(
        self, name: str, parts: Iterable[tuple[int, list[str]]], marks: bytearray,
        register: IdRegister,
    ) -> None:  # fmt: skip
        """The same for the records of a checked file that are marked: who comes again is known.

        `parts` are keys, with the position of the first.
        """
        for first, keys in parts:
            at = marks.find(1, first, first + len(keys))
            while at >= 0:
                if earlier := register.add(keys[at - first], name, at):
                    self._count_copy(name, keys[at - first], at, earlier)
                at = marks.find(1, at + 1, first + len(keys))

    def _count_copy(self, name: str, key: str, position: int, earlier: Earlier) -> None:
        self.duplicated += 1
        keep(self.duplicates, _duplicate(name, key, position, earlier))

    def warn_of_ignored(self, name: str, ignored: list[str]) -> None:
        """What stands in a file beside its list; reported first."""
        if ignored:
            keys = ", ".join(f"“{shown(key)}”" for key in ignored)
            self.warnings.insert(0, BESIDE.format(file=shown(name, 200), keys=keys))
            del self.warnings[MOST_SENTENCES:]


def _duplicate(name: str, key: str, position: int, earlier: Earlier) -> Message:
    return (SAME if earlier.exact else ALIKE).format(
        file=shown(name, 200),
        record=position,
        customer=shown(key),
        other_record=earlier.position,
        other_file=shown(earlier.file, 200),
    )


def keep(sentences: list[Sentence], sentence: Sentence) -> None:
    """Add a sentence, if it is among the first hundred."""
    if len(sentences) < MOST_SENTENCES:
        sentences.append(sentence)
