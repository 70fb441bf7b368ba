"""What an answer of a customer API means: the table of design.md, as one pure function.

`judge` turns an answer into an Outcome. Nothing here speaks HTTP, and nothing is guessed:
what an answer does not prove is unknown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imports.customers import answer_words as words
from imports.customers.entries import filter_code, group_of, holds
from imports.customers.json_paths import MISSING, as_name, find
from imports.customers.matching import Unreadable, judge_records, judge_refusal
from imports.customers.retry_after import retry_after
from imports.customers.scrubbing import excerpt, one_line, scrub
from imports.messages import Message, MessageError, Said, Text
from imports.policy import Outcome, RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imports.customers.mapping import Mapping as ApiMapping
    from imports.customers.mapping import RecordKey

__all__ = ["Answer", "Exchange", "judge", "scrub", "why"]

DEFERRING = {425, 429, 503}
# What stands in an answer that no mapping describes: RFC 7807, OAuth2, and common habit.
USUAL_MESSAGES = ("detail", "message", "error_description", "error.message", "error", "errors.0")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was sent, as far as judging the answer needs it.

    `repeatable`: an idempotency key went along that the API honours. `credential` says which
    credential was used, without its value. `now` is Unix time.
    """

    mapping: ApiMapping
    keys: Sequence[RecordKey]
    repeatable: bool = False
    secrets: tuple[str, ...] = ()
    credential: Text = "the credential"
    now: float = 0.0

    def clean(self, text: str) -> str:
        return one_line(text, self.secrets)

    def unsure(self, code: str, sentence: Message, status: int | None = None) -> Outcome:
        """Nobody can tell what was stored: UNKNOWN, or REPEATABLE under an idempotency key."""
        verdict = Verdict.REPEATABLE if self.repeatable else Verdict.UNKNOWN
        advice = words.SAME_KEY if self.repeatable else words.LOOK_UP
        return Outcome(verdict, code, sentence + advice, status)


def judge(answer: Answer, sent: Exchange) -> Outcome:
    """What the answer means for the batch that `sent` describes. Never raises."""
    outcome = _judged(answer, sent)
    return Outcome(
        outcome.verdict,
        outcome.code,
        outcome.message,
        answer.status,
        excerpt(answer.body, sent.secrets),
        outcome.retry_after,
        outcome.records,
    )


def _judged(answer: Answer, sent: Exchange) -> Outcome:
    status = answer.status
    if status in sent.mapping.accepted:
        return _accepted(answer, sent)
    if 300 <= status <= 399:
        return _redirected(status)
    if status == 401:
        return _unauthorized(answer, sent)
    if status in DEFERRING and (outcome := _deferred(answer, sent)):
        return outcome
    # 409 under an idempotency key: the first try of the same key is still at work (IETF draft
    # "The Idempotency-Key HTTP Header Field", section 2.7).
    if status == 408 or (status == 409 and sent.repeatable):
        return _unsure(answer, sent)
    if 400 <= status <= 499:
        return _refused(answer, sent)
    if status >= 500 and sent.mapping.five_xx_safe:
        return Outcome(
            Verdict.RETRY,
            f"HTTP_{status}",
            words.FAILED_SAFELY.format(status=status, why=why(answer, sent)),
        )
    return _unsure(answer, sent)


def _redirected(status: int) -> Outcome:
    return Outcome(
        Verdict.PAUSE,
        "REDIRECTED",
        words.REDIRECTED.format(status=status),
    )


def _unauthorized(answer: Answer, sent: Exchange) -> Outcome:
    return Outcome(
        Verdict.PAUSE,
        "CREDENTIAL_REFUSED",
        words.UNAUTHORIZED.format(credential=sent.credential, why=why(answer, sent)),
    )


def _deferred(answer: Answer, sent: Exchange) -> Outcome | None:
    """ "Not now". Without Retry-After only a 429 or 425 says so for sure."""
    seconds = retry_after(answer.headers, sent.now)
    if seconds is None and answer.status == 503:
        return None
    wait = words.LATER if seconds is None else words.AFTER.format(seconds=round(seconds))
    return Outcome(
        Verdict.DEFERRED,
        f"HTTP_{answer.status}",
        words.NOT_NOW.format(status=answer.status, why=why(answer, sent), wait=wait),
        retry_after=seconds,
    )


def _unsure(answer: Answer, sent: Exchange) -> Outcome:
    status = answer.status
    told = words.UNSURE.get(status, words.BROKE if status >= 500 else words.UNEXPECTED)
    said = told.format(status=status, why=why(answer, sent))
    return sent.unsure(f"HTTP_{status}", said, status)


def _accepted(answer: Answer, sent: Exchange) -> Outcome:
    mapping = sent.mapping
    if mapping.proof == "status" and mapping.envelope.when is None:
        return Outcome(Verdict.SUCCESS)
    try:
        document = _decoded(answer.body)
    except NotDecoded as error:
        if mapping.proof == "status" and not answer.body.strip():
            return Outcome(Verdict.SUCCESS)
        said = words.UNREADABLE.format(status=answer.status, error=error.message)
        return sent.unsure("ANSWER_UNREADABLE", said)
    if holds(document, mapping.envelope.when):
        return _enveloped(document, answer, sent)
    if mapping.proof == "status":
        return Outcome(Verdict.SUCCESS)
    try:
        return _summed(judge_records(document, mapping, sent.keys, sent.clean), sent)
    except Unreadable as error:
        said = words.NOT_AS_MAPPED.format(status=answer.status, error=error.message)
        return sent.unsure("ANSWER_UNREADABLE", said)


def _summed(records: Sequence[RecordOutcome], sent: Exchange) -> Outcome:
    """One outcome for the batch: success only if every record is."""
    if all(record.verdict is Verdict.SUCCESS for record in records):
        return Outcome(Verdict.SUCCESS)
    verdicts = {record.verdict for record in records}
    if verdicts == {Verdict.UNKNOWN}:
        first = records[0]
        said = words.PROVES_NOTHING.format(code=first.code)
        return sent.unsure(first.code, said)
    counts = {v: sum(record.verdict is v for record in records) for v in verdicts}
    parts = tuple(told.format(n=counts[v]) for v, told in words.OF_WHICH.items() if v in counts)
    message = words.OF_ALL.format(n=len(records), parts=parts)
    return Outcome(Verdict.MIXED, "SOME_FAILED", message, records=tuple(records))


def _enveloped(document: Any, answer: Answer, sent: Exchange) -> Outcome:
    """An error for the whole batch that came with an accepted status."""
    envelope = sent.mapping.envelope
    code = as_name(find(document, envelope.code)) if envelope.code else ""
    group = group_of(code, sent.mapping)
    name = filter_code(sent.clean(code), "BATCH_REFUSED")
    if group in ("retryable", "rolled_back"):
        return Outcome(Verdict.RETRY, name, words.NOT_JUST_NOW.format(why=why(answer, sent)))
    said = words.BATCH_REFUSED.format(why=why(answer, sent))
    return _blamed(document, sent, Outcome(Verdict.SPLIT, name, said))


def _refused(answer: Answer, sent: Exchange) -> Outcome:
    status = answer.status
    template = words.REFUSALS.get(status, words.REFUSED)
    said = template.format(status=status, why=why(answer, sent))
    if status not in sent.mapping.splittable:
        return Outcome(Verdict.REJECTED, f"HTTP_{status}", said)
    try:
        document = _decoded(answer.body)
    except NotDecoded:
        document = MISSING
    return _blamed(document, sent, Outcome(Verdict.SPLIT, f"HTTP_{status}", said))


def _blamed(document: Any, sent: Exchange, refusal: Outcome) -> Outcome:
    """A refusal, laid on the records that it names; else on the halves, else on the one record."""
    records = judge_refusal(document, sent.mapping, sent.keys, sent.clean)
    if records is not None:
        return _summed(records, sent)
    if len(sent.keys) > 1:
        return refusal
    return Outcome(Verdict.REJECTED, refusal.code, refusal.message)


def why(answer: Answer, sent: Exchange) -> Said:
    """The API's own words about the whole batch."""
    try:
        document = _decoded(answer.body)
    except NotDecoded:
        return Said()
    reasons = _reasons(document, sent.mapping)
    return Said(sent.clean(": ".join(reasons)))


def _reasons(document: Any, mapping: ApiMapping) -> list[str]:
    own = [path for path in (mapping.envelope.code, mapping.envelope.message) if path]
    reasons = [text for path in own if (text := as_name(find(document, path)))]
    if reasons:
        return reasons
    title = as_name(find(document, "title"))
    usual = next((t for p in USUAL_MESSAGES if (t := as_name(find(document, p)))), "")
    return [text for text in (title, usual) if text]


class NotDecoded(MessageError, ValueError):
    """A body is no JSON that can be trusted. The message says why."""


def _decoded(body: bytes) -> Any:
    """The JSON of a body. Raises NotDecoded, also for a name twice, NaN and absurd nesting."""
    try:
        return _STRICT.decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NotDecoded(words.NOT_UTF_8) from None
    except json.JSONDecodeError as error:
        is_empty = not body.strip()
        raise NotDecoded(
            words.EMPTY_BODY if is_empty else words.NO_JSON_AT.format(at=error.pos)
        ) from None
    except NotDecoded:
        raise
    except ValueError:  # thousands of digits
        raise NotDecoded(words.HUGE_NUMBER) from None
    except RecursionError:
        raise NotDecoded(words.TOO_DEEP) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotDecoded(words.NAME_TWICE)
    return members


def _refuse_constant(name: str) -> Any:
    raise NotDecoded(words.NO_JSON_NUMBER.format(text=name))


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
