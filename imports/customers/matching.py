"""Whose is which entry of an answer, and what does it prove? Pure.

Success is only what an entry proves about exactly one sent record. A record that is missing,
named twice or spoken of in two ways is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from imports.customers import answer_words as words
from imports.customers.entries import Reading, holds, read_entry
from imports.customers.json_paths import MISSING, as_name, find
from imports.customers.naming import Directory, unpadded
from imports.messages import MessageError, sentence
from imports.messages import marked as _
from imports.policy import RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from imports.customers.mapping import Mapping, RecordKey, Results
    from imports.customers.naming import Targets
    from imports.messages import Text

SUCCESS = RecordOutcome(Verdict.SUCCESS)
# What an entry of a refusal may say of its record: each of them states that it is not stored.
NOT_STORED = (Verdict.RETRY, Verdict.REJECTED, Verdict.DEFERRED, Verdict.PAUSE)
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
NOT_STATED = RecordOutcome(
    Verdict.UNKNOWN,
    "REFUSAL_PROVES_NOTHING",
    sentence(
        "NOT_STATED",
        _(
            "The API refused the batch because of other customers in it, and its mapping does "
            "not state that this stored nothing (refusal_stored_nothing). Look this one up "
            "before sending it again."
        ),
    ),
)
NOT_COUNTED = RecordOutcome(
    Verdict.UNKNOWN,
    "COUNT_DISAGREES",
    sentence(
        "NOT_COUNTED",
        _(
            "The API's answer does not prove that all are stored whom its list of failures "
            "leaves out, and it may have failed for this one. Look it up before sending it again."
        ),
    ),
)
CALLED_OTHERWISE = sentence(
    "CALLED_OTHERWISE",
    _("The answer names “{example}”, which was not sent; “{customer}” was."),
)
CASE_ALONE = sentence(
    "CASE_ALONE",
    _(
        "They differ in upper and lower case only: where that means nothing to this API, set "
        "record.ignore_case in its mapping."
    ),
)
ZEROS_ALONE = sentence(
    "ZEROS_ALONE",
    _(
        "They differ in leading zeros only: where these mean nothing to this API, set "
        "record.ignore_leading_zeros in its mapping."
    ),
)


class Unreadable(MessageError, ValueError):
    """The answer is not what the mapping says it is. The message says what is missing."""


class Entry(NamedTuple):
    """One entry of an answer: the records it names, and what it says about them."""

    names: tuple[Targets, ...]
    names_a_stranger: bool  # it carries a name that nobody has whom we sent
    reading: Reading


class Listed(NamedTuple):
    """One list of an answer, and the names in it that nobody has whom we sent."""

    entries: list[Entry]
    strangers: list[str]


def judge_records(
    document: Any, mapping: Mapping, keys: Sequence[RecordKey], clean: Callable[[str], str]
) -> list[RecordOutcome]:
    """What an accepted answer proves: one outcome for each sent record, in the sent order.

    Raises Unreadable where a list that the mapping requires is not there.
    """
    lists = {r.holds: _listed(document, r, mapping, keys, clean) for r in mapping.results}
    entries: dict[str, list[Entry]] = {holds: one.entries for holds, one in lists.items()}
    if "all" in entries:
        outcomes = _from_all(entries["all"], len(keys))
    else:
        outcomes = _from_parts(entries, document, mapping, len(keys))
    if NOT_IN_ANSWER not in outcomes:
        return outcomes
    unnamed = explained(NOT_IN_ANSWER, lists.values(), outcomes, keys, clean)
    return [unnamed if outcome is NOT_IN_ANSWER else outcome for outcome in outcomes]


def explained(
    unnamed: RecordOutcome,
    lists: Iterable[Listed],
    outcomes: Sequence[RecordOutcome],
    keys: Sequence[RecordKey],
    clean: Callable[[str], str],
) -> RecordOutcome:
    """Where an answer names others instead, the same with one example of what came."""
    theirs = [name for listed in lists for name in listed.strangers]
    ours = [
        name
        for outcome, key in zip(outcomes, keys, strict=True)
        if outcome is NOT_IN_ANSWER and (name := key.record_id or key.username or key.email)
    ]
    if not theirs or not ours:
        return unnamed
    said, sent, hint = _alike(theirs, ours)
    example = CALLED_OTHERWISE.format(example=clean(said), customer=clean(sent))
    return replace(unnamed, message=unnamed.message + example + hint)


def _alike(theirs: list[str], ours: list[str]) -> tuple[str, str, Text]:
    """A name of theirs with the one of ours that it most resembles, and what would match them."""
    for same, hint in ((str.casefold, CASE_ALONE), (unpadded, ZEROS_ALONE)):
        known = {same(name): name for name in ours}
        for name in theirs:
            if same(name) in known:
                return name, known[same(name)], hint
    return theirs[0], ours[0], ""


def judge_refusal(
    document: Any, mapping: Mapping, keys: Sequence[RecordKey], clean: Callable[[str], str]
) -> list[RecordOutcome] | None:
    """What a refusal of the whole batch says about single records; None if it names none.

    The innocent are RETRY where this API's refusals store nothing, else unknown; unknown, too, if
    the refusal also claims a success.
    """
    named: dict[int, list[RecordOutcome]] = defaultdict(list)
    claims = False
    for results in mapping.results:
        try:
            entries = _listed(document, results, mapping, keys, clean).entries
        except Unreadable:
            claims = claims or _claims_any(document, results, mapping, clean)
            continue
        for entry in entries:
            claims = claims or entry.reading.claims_success
            if entry.reading.outcome.verdict in NOT_STORED:
                for index in chain.from_iterable(entry.names):
                    named[index].append(entry.reading.outcome)
    if not named and not claims:
        return None
    rest = ROLLED_BACK if mapping.refusal_stored_nothing else NOT_STATED
    if claims:
        rest = CONTRADICTORY
    return [_worst(named[i]) if i in named else rest for i in range(len(keys))]


def _claims_any(
    document: Any, results: Results, mapping: Mapping, clean: Callable[[str], str]
) -> bool:
    """Whether a list that cannot be matched calls anybody stored: a batch that was broken off."""
    members = _members(find(document, results.at), results) or []
    return any(read_entry(v, results, mapping, clean).claims_success for _k, v in members)


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
    lists: dict[str, list[Entry]], document: Any, mapping: Mapping, size: int
) -> list[RecordOutcome]:
    """A list of failures, one of successes, or both; the rest is what they leave over."""
    failures, successes = lists.get("failures", []), lists.get("successes")
    failed, unnamed = _named_failures(failures)
    proven = _from_all(successes or [], size)
    if unnamed:
        rest = UNNAMED_FAILURE
    elif successes is None:
        rest = _silent(document, mapping, len(failed), size)
    else:
        rest = _left_over(document, mapping, lists, failed, size)
    outcomes: list[RecordOutcome] = []
    for index in range(size):
        success = proven[index]
        if index in failed:
            is_named_once = success is NOT_IN_ANSWER
            outcomes.append(failed[index] if is_named_once else CONTRADICTORY)
        else:
            outcomes.append(rest if success is NOT_IN_ANSWER else success)
    return outcomes


def _silent(document: Any, mapping: Mapping, failed: int, size: int) -> RecordOutcome:
    """What is known of records that a list of failures leaves out: silence proves nothing."""
    rest = mapping.rest
    if mapping.proof == "status":
        return SUCCESS
    is_proven = (
        (rest.when or rest.failed or rest.stored)
        and (rest.when is None or holds(document, rest.when))
        and (not rest.failed or _count(document, rest.failed) == failed)
        and (not rest.stored or _count(document, rest.stored) == size - failed)
    )
    return SUCCESS if is_proven else NOT_COUNTED


def _left_over(
    document: Any,
    mapping: Mapping,
    lists: dict[str, list[Entry]],
    failed: dict[int, RecordOutcome],
    size: int,
) -> RecordOutcome:
    """What is known of records that neither the successes nor the failures name."""
    rest = mapping.rest
    counted = any(results.count_is_proof for results in mapping.results)
    is_full = counted and _adds_up(lists["successes"], failed, size)
    listed = {len(failed), len(lists.get("failures", []))}  # an error may name several records
    agrees = (
        (rest.when is None or holds(document, rest.when))
        and _count(document, rest.failed) in listed | {None}
        and _count(document, rest.stored) in (size - len(failed), None)
    )
    if is_full and agrees:
        return SUCCESS
    return NOT_IN_ANSWER if agrees else NOT_COUNTED


def _count(document: Any, path: str) -> int | None:
    """The number that stands at a path; None where nothing does, -1 where it is no number."""
    found = find(document, path) if path else MISSING
    if found is MISSING or found is None:
        return None
    text = as_name(found)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


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


def _listed(
    document: Any,
    results: Results,
    mapping: Mapping,
    keys: Sequence[RecordKey],
    clean: Callable[[str], str],
) -> Listed:
    """One list of the answer, each entry with the records it names."""
    members = _members(find(document, results.at), results)
    if members is None:
        if results.required:
            raise Unreadable(
                words.NO_LIST_AT.format(path=results.at) if results.at else words.NO_LIST
            )
        return Listed([], [])
    if results.name.by == "position" and len(members) != len(keys):
        raise Unreadable(words.OTHER_COUNT.format(results=len(members), customers=len(keys)))
    directory = Directory(results.name, keys, mapping.record)
    entries = []
    for position, (key, value) in enumerate(members):
        names, stranger = directory.look_up(position, key, value)
        entries.append(Entry(names, stranger, read_entry(value, results, mapping, clean)))
    return Listed(entries, directory.strangers)


def _members(found: Any, results: Results) -> list[tuple[str, Any]] | None:
    """The entries with their keys ("" in a list), or None where the shape is not as declared."""
    if results.name.by == "key":
        return list(found.items()) if isinstance(found, dict) else None
    return [("", value) for value in found] if isinstance(found, list) else None
