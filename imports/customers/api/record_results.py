"""What an answer proves for each record: which entry names which record, and what it says.
Pure.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from imports.customers.api.answers import sentences
from imports.customers.api.answers.entries import Directory, Member, alike, look, members_of
from imports.customers.api.answers.fixed import (
    BY_COUNT,
    BY_REST,
    BY_STATUS,
    CONTRADICTORY,
    COUNTED_OTHERWISE,
    DOUBLED,
    MISCOUNTED,
    NOT_COUNTED,
    NOT_IN_ANSWER,
    NOT_STATED,
    NOT_STORED,
    ROLLED_BACK,
    UNNAMED_FAILURE,
)
from imports.customers.api.json_paths import MISSING, as_name, find
from imports.customers.api.presets import OF_PRESETS
from imports.messages import MessageError, Said, Text, sentence
from imports.messages import marked as _
from imports.policy import RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from imports.customers.api.answers.entries import Targets
    from imports.customers.api.mapping import Check, Mapping, RecordKey, Results

CODE_CHARS = 60

# The group a code is listed in, its verdict, and the one name operators filter on (where the
# API's own code would only be another word for the same).
GROUPS: tuple[tuple[str, Verdict, str], ...] = (
    ("retryable", Verdict.RETRY, ""),
    ("permanent", Verdict.REJECTED, ""),
    ("exists", Verdict.REJECTED, "CONFLICT"),
    ("not_found", Verdict.REJECTED, "NOT_FOUND"),
    ("rolled_back", Verdict.RETRY, "ROLLED_BACK"),
    ("not_now", Verdict.DEFERRED, ""),
    ("credential", Verdict.PAUSE, "CREDENTIAL_REFUSED"),
)
SENTENCES = {
    "retryable": sentence(
        "SENTENCES_RETRYABLE",
        _("The API could not take this customer just now{why}. It may be sent again."),
    ),
    "permanent": sentence(
        "SENTENCES_PERMANENT",
        _("The API refused this customer{why}. Correct it before sending it again."),
    ),
    "exists": sentence(
        "SENTENCES_EXISTS",
        _("This customer exists already{why}. Update it instead, or leave it out."),
    ),
    "not_found": sentence(
        "SENTENCES_NOT_FOUND",
        _("The API knows no such customer{why}. Create it instead, or leave it out."),
    ),
    "rolled_back": sentence(
        "SENTENCES_ROLLED_BACK",
        _(
            "Another customer of the batch was refused, so this one was not stored{why}. It can "
            "be sent again."
        ),
    ),
    "not_now": sentence(
        "SENTENCES_NOT_NOW",
        _("The API deferred this customer{why}. It is sent again later; this costs no attempt."),
    ),
    "credential": sentence(
        "SENTENCES_CREDENTIAL",
        _(
            "The API refused the credential for this customer{why}: nothing was stored. It is "
            "sent again when the job is resumed."
        ),
    ),
}
NO_RESULT = sentence(
    "NO_RESULT",
    _(
        "What the API's answer says about this customer is not explained by its mapping{why}. It "
        "may be stored or not: look it up, and add the code or the value to the mapping."
    ),
)
CONTRADICTION = sentence(
    "CONTRADICTION",
    _(
        "The API's answer claims both a success and a failure for this customer{why}. "
        "Look it up before sending it again."
    ),
)


class Reading(NamedTuple):
    """What an entry says, and whether it claims a success (also where it contradicts itself)."""

    outcome: RecordOutcome
    claims_success: bool = False


def group_of(code: str, mapping: Mapping) -> str:
    """The group that the mapping lists a code in, or ""."""
    return mapping.group_by_code.get(code, "")


def filter_code(code: str, fallback: str) -> str:
    """An API's code as an upper-case name of ours, or the fallback where nothing is left."""
    return re.sub(r"[^A-Z0-9]+", "_", code.upper()).strip("_")[:CODE_CHARS] or fallback


def holds(entry: Any, check: Check | None) -> bool:
    """Whether a check of the mapping is met. `true` is never taken for 1."""
    if check is None:
        return False
    if not _equals(entry, check):
        return False
    return not check.empty or is_empty(find(entry, check.empty))


def read_entry(
    member: Member, results: Results, mapping: Mapping, clean: Callable[[str], str], where: str
) -> Reading:
    """One entry's meaning. `clean` makes the API's own words fit to be shown.

    `where` is the path of `results` in the mapping: each outcome names the rule that decided.
    """
    entry = member.value
    raw_code = as_name(look(member, results.code)) if results.code else ""
    group = group_of(raw_code, mapping) if raw_code else ""
    is_failure = group != "" or holds(entry, results.failure) or results.holds == "failures"
    is_success = results.holds == "successes" or holds(entry, results.success)
    if is_success and not is_failure:
        return _stored(member, results, where)
    # With a list of errors that should be empty, the flag alone is a claim and no proof.
    claims = is_success or (results.success is not None and _equals(entry, results.success))
    code, message = clean(raw_code), clean(_message(member, results))
    why = Said(message, code)
    if claims:
        said, rule = CONTRADICTION.format(why=why), f"{where}.success"
        contradiction = RecordOutcome(Verdict.UNKNOWN, "CONTRADICTORY_ANSWER", said, rule=rule)
        return Reading(contradiction, claims_success=True)
    if is_failure:
        rule = f"codes.{group}" if group else f"{where}.holds"
        if not group and results.holds != "failures":
            rule = f"{where}.failure"
        return Reading(replace(failure_of(group, code, message, mapping), rule=rule))
    if not code and not message and results.success is not None:
        why = Said(clean(_as_it_stands(entry, results.success.path)))
    said, rule = NO_RESULT.format(why=why), f"{where}.success"
    return Reading(RecordOutcome(Verdict.UNKNOWN, "RESULT_NOT_KNOWN", said, rule=rule))


def _as_it_stands(entry: Any, path: str) -> str:
    """A value as JSON, with its path: "true" is not true."""
    value = find(entry, path)
    text = "–" if value is MISSING else json.dumps(value, ensure_ascii=False)
    return f"{path}: {text[:CODE_CHARS]}"


def _stored(member: Member, results: Results, where: str) -> Reading:
    rule = f"{where}.holds" if results.holds == "successes" else f"{where}.success"
    reading = _stored_by(rule)
    if not results.assigned:
        return reading
    assigned = as_name(look(member, results.assigned))
    return reading._replace(outcome=replace(reading.outcome, assigned=assigned))


def stored(mapping: Mapping) -> RecordOutcome:
    """What the success of an entry in the mapping's first list comes to."""
    return _stored_by(f"{places(mapping)[0]}.success").outcome


@lru_cache(maxsize=256)
def _stored_by(rule: str) -> Reading:
    return Reading(RecordOutcome(Verdict.SUCCESS, rule=rule), claims_success=True)


def _equals(entry: Any, check: Check) -> bool:
    value = find(entry, check.path)
    if check.present and not is_empty(value):
        return True
    return any(value == wanted and type(value) is type(wanted) for wanted in check.equals)


def is_empty(value: Any) -> bool:
    """Whether nothing stands there. 0 and false are something."""
    return value is MISSING or value is None or value in ("", [], {})


def failure_of(group: str, code: str, message: str, mapping: Mapping) -> RecordOutcome:
    verdict, name = next(((v, n) for g, v, n in GROUPS if g == group), (Verdict.REJECTED, ""))
    fallback = "FAILED" if verdict is Verdict.RETRY else "REJECTED"
    own = mapping.sentences.get(code) if not message else None
    summary: Text = SENTENCES[group or "permanent"].format(why=Said(message, code))
    if own is not None:
        summary = OF_PRESETS.get(own, own)
    return RecordOutcome(verdict, name or filter_code(code, fallback), summary)


def _message(member: Member, results: Results) -> str:
    """The message as text; a list of texts is joined. An entry may be the message itself."""
    value = look(member, results.message) if results.message else member.value
    if isinstance(value, list):
        return "; ".join(text for text in map(as_name, value) if text)
    return as_name(value)


NAMELESS = sentence(
    "ENTRIES_WITHOUT_NAME",
    _("Entries of the answer hold no name at “{path}”: check results.name in the mapping."),
)
CALLED_OTHERWISE = sentence(
    "CALLED_OTHERWISE",
    _("The answer names “{example}”, which was not sent; “{customer}” was."),
)


class Unreadable(MessageError, ValueError):
    """The answer is not what the mapping says it is. The message says what is missing."""


class Entry(NamedTuple):
    """One entry of an answer: the records it names, and what it says about them."""

    names: tuple[Targets, ...]
    names_a_stranger: bool  # it carries a name that nobody has whom we sent
    reading: Reading


class Listed(NamedTuple):
    """One list of an answer, and the names in it that nobody has whom we sent.

    `is_miscounted`: it numbers a record that was not sent, so that its other numbers may be wrong.
    """

    entries: list[Entry]
    strangers: list[str]
    is_miscounted: bool = False


def judge_records(
    document: Any, about: Any, mapping: Mapping, keys: Sequence[RecordKey],
    clean: Callable[[str], str],
) -> list[RecordOutcome]:  # fmt: skip
    """What an accepted answer proves: one outcome for each sent record, in the sent order.

    `about` is the document that the mapping's `rest` is about: as a rule the answer itself.
    Raises Unreadable where a list that the mapping requires is not there.
    """
    lists: list[Listed] = []
    entries: dict[str, list[Entry]] = {}
    for results, where in zip(mapping.results, places(mapping), strict=True):
        lists.append(_listed(document, results, where, mapping, keys, clean))
        entries.setdefault(results.holds, []).extend(lists[-1].entries)
    if any(listed.is_miscounted for listed in lists):
        code = MISCOUNTED.code if set(entries) != {"failures"} else UNNAMED_FAILURE.code
        return [replace(MISCOUNTED, code=code)] * len(keys)
    if "all" in entries:
        outcomes = _agreeing(_from_all(entries["all"], len(keys)), about, mapping)
    else:
        outcomes = _from_parts(entries, about, mapping, len(keys))
    if any(results.assigned for results in mapping.results):
        outcomes = [_news(outcome, key) for outcome, key in zip(outcomes, keys, strict=True)]
    if NOT_IN_ANSWER not in outcomes:
        return outcomes
    unnamed = explained(NOT_IN_ANSWER, lists, outcomes, keys, clean)
    if unnamed is NOT_IN_ANSWER and (hint := _nameless(lists, mapping)):
        unnamed = replace(unnamed, message=unnamed.message + hint)
    return [unnamed if outcome is NOT_IN_ANSWER else outcome for outcome in outcomes]


def _news(outcome: RecordOutcome, key: RecordKey) -> RecordOutcome:
    """Without the id that the record was sent with: the API did not assign it."""
    is_ours = outcome.assigned and outcome.assigned == key.record_id
    return replace(outcome, assigned="") if is_ours else outcome


def _nameless(lists: Sequence[Listed], mapping: Mapping) -> Text:
    """Where the mapping looks for the names of entries that have none; "" if each has one."""
    for results, listed in zip(mapping.results, lists, strict=True):
        if any(not entry.names and not entry.names_a_stranger for entry in listed.entries):
            name = results.name
            paths = filter(None, (name.path, name.id, name.username, name.email))
            return NAMELESS.format(path="”, “".join(paths))
    return ""


@lru_cache(maxsize=64)
def _places(count: int) -> tuple[str, ...]:
    return tuple(f"results[{number}]" for number in range(count))


def places(mapping: Mapping) -> tuple[str, ...]:
    """The path of each list of results in the mapping."""
    return _places(len(mapping.results))


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
    said, sent, hint = alike(theirs, ours)
    example = CALLED_OTHERWISE.format(example=clean(said), customer=clean(sent))
    return replace(unnamed, message=unnamed.message + example + hint)


def judge_refusal(
    document: Any, mapping: Mapping, keys: Sequence[RecordKey], clean: Callable[[str], str]
) -> list[RecordOutcome] | None:
    """What a refusal of the whole batch says about single records; None if it names none.

    The innocent are RETRY where this API's refusals store nothing, else unknown; unknown, too, if
    the refusal also claims a success.
    """
    named: dict[int, list[RecordOutcome]] = defaultdict(list)
    claims = False
    for results, where in zip(mapping.results, places(mapping), strict=True):
        try:
            listed = _listed(document, results, where, mapping, keys, clean)
        except Unreadable:
            claims = claims or _claims_any(document, results, mapping, clean)
            continue
        for entry in listed.entries:
            claims = claims or entry.reading.claims_success
            if not listed.is_miscounted and entry.reading.outcome.verdict in NOT_STORED:
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
    members = members_of(find(document, results.at), results) or []
    return any(read_entry(each, results, mapping, clean, "").claims_success for each in members)


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


def _agreeing(
    outcomes: list[RecordOutcome], document: Any, mapping: Mapping
) -> list[RecordOutcome]:
    """The outcomes, but no success where the answer's own counts say that there were fewer."""
    rest, verdicts = mapping.rest, [outcome.verdict for outcome in outcomes]
    stored, unknown = verdicts.count(Verdict.SUCCESS), verdicts.count(Verdict.UNKNOWN)
    failed = len(outcomes) - stored - unknown
    agrees = (
        (rest.when is None or holds(document, rest.when))
        and _count(document, rest.stored) in (None, *range(stored, stored + unknown + 1))
        and _count(document, rest.failed) in (None, *range(failed, failed + unknown + 1))
    )
    if agrees:
        return outcomes
    return [COUNTED_OTHERWISE if o.verdict is Verdict.SUCCESS else o for o in outcomes]


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
    if any(not entry.names and not entry.names_a_stranger for entry in failures):
        # The failure is that of one of them, if nobody else is left for it.
        is_left = any(proven[i] is NOT_IN_ANSWER and i not in failed for i in range(size))
        proven = proven if is_left else [_doubted(one) for one in proven]
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


def _doubted(outcome: RecordOutcome) -> RecordOutcome:
    return UNNAMED_FAILURE if outcome.verdict is Verdict.SUCCESS else outcome


def _silent(document: Any, mapping: Mapping, failed: int, size: int) -> RecordOutcome:
    """What is known of records that a list of failures leaves out: silence proves nothing."""
    rest = mapping.rest
    if mapping.proof == "status":
        return BY_STATUS
    is_proven = (
        (rest.when or rest.failed or rest.stored)
        and (rest.when is None or holds(document, rest.when))
        and (not rest.failed or _count(document, rest.failed) == failed)
        and (not rest.stored or _count(document, rest.stored) == size - failed)
    )
    return BY_REST if is_proven else NOT_COUNTED


def _left_over(
    document: Any,
    mapping: Mapping,
    lists: dict[str, list[Entry]],
    failed: dict[int, RecordOutcome],
    size: int,
) -> RecordOutcome:
    """What is known of records that neither the successes nor the failures name."""
    rest = mapping.rest
    successes = [results for results in mapping.results if results.holds == "successes"]
    counted = all(results.count_is_proof for results in successes)
    is_full = counted and _adds_up(lists["successes"], failed, size)
    listed = {len(failed), len(lists.get("failures", []))}  # an error may name several records
    agrees = (
        (rest.when is None or holds(document, rest.when))
        and _count(document, rest.failed) in listed | {None}
        and _count(document, rest.stored) in (size - len(failed), None)
    )
    if is_full and agrees:
        return BY_COUNT
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
    """Every record is either among the successes or among the failures, and no stranger is.

    A record that is listed twice, or in both lists, does not make up for one that is in neither.
    """
    no_stranger = not any(entry.names_a_stranger for entry in successes)
    named = {i for entry in successes for targets in entry.names for i in targets}
    unnamed = sum(not entry.names for entry in successes)
    different = len(named | failed.keys()) + unnamed
    return no_stranger and len(successes) + len(failed) == different == size


def _worst(heard: list[RecordOutcome]) -> RecordOutcome:
    """Of several failures of one record, the one that decides: permanent before retryable."""
    return next((o for o in heard if o.verdict is Verdict.REJECTED), heard[0])


def _listed(
    document: Any,
    results: Results,
    where: str,
    mapping: Mapping,
    keys: Sequence[RecordKey],
    clean: Callable[[str], str],
) -> Listed:
    """One list of the answer, each entry with the records it names."""
    members = members_of(find(document, results.at), results)
    if members is None:
        if results.required:
            raise Unreadable(no_list(results))
        return Listed([], [])
    if results.name.by == "position" and len(members) != len(keys):
        raise Unreadable(sentences.OTHER_COUNT.format(results=len(members), customers=len(keys)))
    directory = Directory(results.name, keys, mapping.record)
    entries = []
    for position, member in enumerate(members):
        names, stranger = directory.look_up(position, member)
        entries.append(Entry(names, stranger, read_entry(member, results, mapping, clean, where)))
    return Listed(entries, directory.strangers, directory.is_miscounted)


def no_list(results: Results) -> Text:
    """What an answer lacks that has not this list."""
    return sentences.NO_LIST_AT.format(path=results.at) if results.at else sentences.NO_LIST
