"""Whose is which entry of an answer, and what does it prove? Pure.

Success is only what an entry proves about exactly one sent record. A record that is missing,
named twice or spoken of in two ways is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from imports.customers import answer_words as words
from imports.customers.entries import Reading, read_entry
from imports.customers.json_paths import find
from imports.customers.naming import Directory
from imports.messages import MessageError, sentence
from imports.messages import marked as _
from imports.policy import RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imports.customers.mapping import Mapping, RecordKey, Results
    from imports.customers.naming import Targets

SUCCESS = RecordOutcome(Verdict.SUCCESS)
NOT_IN_ANSWER = RecordOutcome(
    Verdict.UNKNOWN,
    "NOT_IN_ANSWER",
    sentence(
        "NOT_IN_ANSWER",
        _(
            "The API's answer does not mention this customer, so it may be stored or not. "
            "Look it up before sending it again."
        ),
    ),
)
DOUBLED = RecordOutcome(
    Verdict.UNKNOWN,
    "DOUBLED_IN_ANSWER",
    sentence(
        "DOUBLED",
        _(
            "The API's answer does not say exactly once what became of this customer. "
            "Look it up before sending it again."
        ),
    ),
)
CONTRADICTORY = RecordOutcome(
    Verdict.UNKNOWN,
    "CONTRADICTORY_ANSWER",
    sentence(
        "CONTRADICTORY",
        _(
            "The API's answer says both that this customer was stored and that it was not. "
            "Look it up before sending it again."
        ),
    ),
)
UNNAMED_FAILURE = RecordOutcome(
    Verdict.UNKNOWN,
    "FAILURE_UNNAMED",
    sentence(
        "UNNAMED_FAILURE",
        _(
            "The API reports a failure without saying for which customer, and it may be this one. "
            "Look it up before sending it again."
        ),
    ),
)
ROLLED_BACK = RecordOutcome(
    Verdict.RETRY,
    "ROLLED_BACK",
    sentence(
        "ROLLED_BACK",
        _(
            "The API refused the whole batch because of other customers in it: nothing was "
            "stored, and this one can be sent again without them."
        ),
    ),
)


class Unreadable(MessageError, ValueError):
    """The answer is not what the mapping says it is. The message says what is missing."""


class Entry(NamedTuple):
    """One entry of an answer: the records it names, and what it says about them."""

    names: tuple[Targets, ...]
    names_a_stranger: bool  # it carries a name that nobody has whom we sent
    reading: Reading


def judge_records(
    document: Any, mapping: Mapping, keys: Sequence[RecordKey], clean: Callable[[str], str]
) -> list[RecordOutcome]:
    """What an accepted answer proves: one outcome for each sent record, in the sent order.

    Raises Unreadable where a list that the mapping requires is not there.
    """
    lists = {r.holds: _entries(document, r, mapping, keys, clean) for r in mapping.results}
    if "all" in lists:
        return _from_all(lists["all"], len(keys))
    counted = any(results.count_is_proof for results in mapping.results)
    return _from_parts(lists.get("failures", []), lists.get("successes"), len(keys), counted)


def judge_refusal(
    document: Any, mapping: Mapping, keys: Sequence[RecordKey], clean: Callable[[str], str]
) -> list[RecordOutcome] | None:
    """What a refusal of the whole batch says about single records; None if it names none.

    The innocent are RETRY. If the refusal also claims a success, what it does not name is unknown.
    """
    named: dict[int, list[RecordOutcome]] = defaultdict(list)
    claims = False
    for results in mapping.results:
        try:
            entries = _entries(document, results, mapping, keys, clean)
        except Unreadable:
            continue
        for entry in entries:
            claims = claims or entry.reading.claims_success
            if entry.reading.outcome.verdict in (Verdict.RETRY, Verdict.REJECTED):
                for index in chain.from_iterable(entry.names):
                    named[index].append(entry.reading.outcome)
    if not named and not claims:
        return None
    rest = CONTRADICTORY if claims else ROLLED_BACK
    return [_worst(named[i]) if i in named else rest for i in range(len(keys))]


def _from_all(entries: list[Entry], size: int) -> list[RecordOutcome]:
    """A list with an entry for each record: each record exactly once, in any order."""
    said: dict[Targets, list[RecordOutcome]] = defaultdict(list)
    for entry in entries:
        for targets in entry.names:
            said[targets].append(entry.reading.outcome)
    outcomes = [NOT_IN_ANSWER] * size
    for targets, heard in said.items():
        for index in targets:
            outcomes[index] = _agreed(heard, len(targets))
    return outcomes


def _agreed(heard: list[RecordOutcome], times: int) -> RecordOutcome:
    """What `times` records of one name may believe: that many entries, all saying the same."""
    if len(heard) == times == 1:
        return heard[0]
    if len({(o.verdict, o.code) for o in heard}) > 1:
        return CONTRADICTORY
    return heard[0] if len(heard) == times else DOUBLED


def _from_parts(
    failures: list[Entry], successes: list[Entry] | None, size: int, counted: bool
) -> list[RecordOutcome]:
    """A list of failures, one of successes, or both; the rest is what they leave over."""
    failed, unnamed = _named_failures(failures)
    proven = _from_all(successes or [], size)
    outcomes: list[RecordOutcome] = []
    rest = UNNAMED_FAILURE if unnamed else NOT_IN_ANSWER
    if not unnamed and (successes is None or (counted and _adds_up(successes, failed, size))):
        rest = SUCCESS
    for index in range(size):
        success = proven[index]
        if index in failed:
            is_named_once = success is NOT_IN_ANSWER
            outcomes.append(failed[index] if is_named_once else CONTRADICTORY)
        else:
            outcomes.append(rest if success is NOT_IN_ANSWER else success)
    return outcomes


def _named_failures(entries: list[Entry]) -> tuple[dict[int, RecordOutcome], bool]:
    """The failures by record, and whether any failure names no record that was sent."""
    said: dict[Targets, list[RecordOutcome]] = defaultdict(list)
    unnamed = False
    for entry in entries:
        unnamed = unnamed or not entry.names or entry.names_a_stranger
        for targets in entry.names:
            said[targets].append(entry.reading.outcome)
    failed: dict[int, RecordOutcome] = {}
    for targets, heard in said.items():
        is_clear = len(targets) == 1 or len(heard) == len(targets)
        failed.update((index, _worst(heard) if is_clear else DOUBLED) for index in targets)
    return failed, unnamed


def _adds_up(successes: list[Entry], failed: dict[int, RecordOutcome], size: int) -> bool:
    """Every record is either among the successes or among the failures, and no stranger is."""
    no_stranger = not any(entry.names_a_stranger for entry in successes)
    return no_stranger and len(successes) + len(failed) == size


def _worst(heard: list[RecordOutcome]) -> RecordOutcome:
    """Of several failures of one record, the one that decides: permanent before retryable."""
    return next((o for o in heard if o.verdict is Verdict.REJECTED), heard[0])


def _entries(
    document: Any,
    results: Results,
    mapping: Mapping,
    keys: Sequence[RecordKey],
    clean: Callable[[str], str],
) -> list[Entry]:
    """One list of the answer, each entry with the records it names."""
    members = _members(find(document, results.at), results)
    if members is None:
        if results.required:
            raise Unreadable(
                words.NO_LIST_AT.format(path=results.at) if results.at else words.NO_LIST
            )
        return []
    if results.name.by == "position" and len(members) != len(keys):
        raise Unreadable(words.OTHER_COUNT.format(results=len(members), customers=len(keys)))
    directory = Directory(results.name, keys)
    entries = []
    for position, (key, value) in enumerate(members):
        names, stranger = directory.look_up(position, key, value)
        entries.append(Entry(names, stranger, read_entry(value, results, mapping, clean)))
    return entries


def _members(found: Any, results: Results) -> list[tuple[str, Any]] | None:
    """The entries with their keys ("" in a list), or None where the shape is not as declared."""
    if results.name.by == "key":
        return list(found.items()) if isinstance(found, dict) else None
    return [("", value) for value in found] if isinstance(found, list) else None
