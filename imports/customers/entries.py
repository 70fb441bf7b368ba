"""What one entry of an answer says about its record: success, or which kind of failure. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from imports.customers.json_paths import MISSING, as_name, find
from imports.customers.presets import OF_PRESETS
from imports.messages import Said, Text, sentence
from imports.messages import marked as _
from imports.policy import RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.customers.mapping import Check, Mapping, Results

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
        _(
            "The API does not take this customer for now{why}. It is sent again later; this "
            "costs no attempt."
        ),
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
        "The API's answer says about this customer{why} what its mapping does not explain, so it "
        "may be stored or not. Look it up, and add the code to the mapping."
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


_STORED = Reading(RecordOutcome(Verdict.SUCCESS), claims_success=True)


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
    return not check.empty or find(entry, check.empty) in (MISSING, None, "", [], {})


def read_entry(
    entry: Any, results: Results, mapping: Mapping, clean: Callable[[str], str]
) -> Reading:
    """One entry's meaning. `clean` makes the API's own words fit to be shown."""
    raw_code = as_name(find(entry, results.code)) if results.code else ""
    group = group_of(raw_code, mapping) if raw_code else ""
    is_failure = group != "" or holds(entry, results.failure) or results.holds == "failures"
    is_success = results.holds == "successes" or holds(entry, results.success)
    if is_success and not is_failure:
        return _STORED
    # With a list of errors that should be empty, the flag alone is a claim and no proof.
    claims = is_success or (results.success is not None and _equals(entry, results.success))
    code, message = clean(raw_code), clean(_message(entry, results))
    why = Said(message, code)
    if claims:
        said = CONTRADICTION.format(why=why)
        contradiction = RecordOutcome(Verdict.UNKNOWN, "CONTRADICTORY_ANSWER", said)
        return Reading(contradiction, claims_success=True)
    if is_failure:
        return Reading(_failure(group, code, message, mapping))
    return Reading(RecordOutcome(Verdict.UNKNOWN, "RESULT_NOT_KNOWN", NO_RESULT.format(why=why)))


def _equals(entry: Any, check: Check) -> bool:
    value = find(entry, check.path)
    return any(value == wanted and type(value) is type(wanted) for wanted in check.equals)


def _failure(group: str, code: str, message: str, mapping: Mapping) -> RecordOutcome:
    verdict, name = next(((v, n) for g, v, n in GROUPS if g == group), (Verdict.REJECTED, ""))
    fallback = "FAILED" if verdict is Verdict.RETRY else "REJECTED"
    own = mapping.sentences.get(code) if not message else None
    told: Text = SENTENCES[group or "permanent"].format(why=Said(message, code))
    if own is not None:
        told = OF_PRESETS.get(own, own)
    return RecordOutcome(verdict, name or filter_code(code, fallback), told)


def _message(entry: Any, results: Results) -> str:
    """The message as text; a list of texts is joined. An entry may be the message itself."""
    value = find(entry, results.message) if results.message else entry
    if isinstance(value, list):
        return "; ".join(text for text in map(as_name, value) if text)
    return as_name(value)
