"""What an answer of a customer API means: the table of design.md, as one pure function.

`judge` turns an answer into an Outcome. Nothing here speaks HTTP, and nothing is guessed:
what an answer does not prove is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from imports.customers.api.answers import sentences
from imports.customers.api.answers.body import (
    OF_RECORDS,
    RETRYABLE,
    WHOLE_BATCH_GROUPS,
    NotDecoded,
    document_of,
    is_page,
    may_be_coded,
    own_code,
    refuses_credential,
    says_failed,
)
from imports.customers.api.answers.fixed import CONTRADICTORY
from imports.customers.api.json_paths import MISSING, as_name, find
from imports.customers.api.record_results import (
    Unreadable,
    failure_of,
    filter_code,
    holds,
    judge_records,
    judge_refusal,
    stored,
)
from imports.customers.quick_answers import all_stored
from imports.http.redaction import excerpt, one_line, page_text
from imports.http.retry_after import asked_to_wait, retry_after, says_not_now
from imports.messages import Said, Text, cause_of
from imports.policy import DOWN, Outcome, RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imports.customers.api.mapping import Mapping as ApiMapping
    from imports.customers.api.mapping import RecordKey

CREDENTIAL_REFUSED = "CREDENTIAL_REFUSED"
# 420 and 430 are what some APIs answer in place of 429.
DEFERRING = {403, 420, 425, 429, 430, 503}
NOT_DONE_HERE = {301, 307, 308}
NOT_REACHED = 511  # whoever stands in between wants a sign-in first (RFC 6585)
# Refused before anybody's record was looked at: the address, the method, the form or a right.
NOBODYS_FAULT = {402, 403, 404, 405, 407, 410, 411, 415, 421, 426, 428, 431, NOT_REACHED}
# What RFC 9110 (section 15.5) has a client take every other 4xx for.
OWN_REFUSALS = {400, 413, 422}
UNPACKED = {"", "identity", "gzip", "x-gzip", "deflate"}  # as `client` asks for them
SENT_AGAIN = (Verdict.DEFERRED, Verdict.RETRY, Verdict.PAUSE)
# What stands in an answer that no mapping describes: RFC 7807, OAuth2, and common habit.
USUAL_MESSAGES = (
    *("detail", "message", "error_description", "error.message", "error", "errors.0"),
    *("errors.0.message", "errors.0.detail", "errors.0.msg", "errors.0.title", "0.message"),
    *("detail.0.msg", "fault.faultstring", "error.errors.0.reason", "msg", "reason"),
)


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
    asks: bool = False  # for the result of a batch that the API took on before

    def clean(self, text: str) -> str:
        return one_line(text, self.secrets)

    def unsure(self, code: str, sentence: Text, status: int | None = None) -> Outcome:
        """If nobody knows what was stored: UNKNOWN, or REPEATABLE with an idempotency key."""
        verdict = Verdict.REPEATABLE if self.repeatable else Verdict.UNKNOWN
        advice = sentences.SAME_KEY if self.repeatable else sentences.LOOK_UP
        return Outcome(verdict, code, sentence + advice, status)


def judge(answer: Answer, sent: Exchange) -> Outcome:
    """What the answer means for the batch that `sent` describes. Never raises."""
    sent = _read_as(answer, sent)
    outcome = _judged(answer, sent)
    one_cause = outcome.verdict not in (Verdict.SUCCESS, Verdict.MIXED)
    return replace(
        outcome,
        http_status=answer.status,
        answer=excerpt(answer.body, sent.secrets),
        cause=_cause(outcome, answer, sent) if one_cause else "",
    )


def _read_as(answer: Answer, sent: Exchange) -> Exchange:
    """The exchange with the mapping that the status and the answer itself choose."""
    if not sent.mapping.answers:
        return sent
    return replace(sent, mapping=chosen(answer, sent.mapping)[0])


def chosen(answer: Answer, mapping: ApiMapping) -> tuple[ApiMapping, int | None]:
    """The mapping as the first alternative that fits changes it, and that one's number."""
    document = _document(answer, mapping)
    for number, (how, changed) in enumerate(
        zip(mapping.answers, mapping.alternatives, strict=True)
    ):
        fits = not how.on or answer.status in how.on
        if fits and (how.when is None or holds(document, how.when)):
            return changed, number
    return mapping, None


def _cause(outcome: Outcome, answer: Answer, sent: Exchange) -> str:
    broke = outcome.verdict in (Verdict.RETRY, Verdict.UNKNOWN, Verdict.REPEATABLE)
    if answer.status >= 500 and broke:
        return DOWN
    return f"{outcome.code}-{cause_of(why(answer, sent).text)}"


def _judged(answer: Answer, sent: Exchange) -> Outcome:
    """As its status and codes have it, but what names a customer as stored is not sent again."""
    outcome = _by_status(answer, sent)
    if answer.status in sent.mapping.accepted or outcome.verdict not in SENT_AGAIN:
        return outcome
    document = _document(answer, sent.mapping)
    records = judge_refusal(document, sent.mapping, sent.keys, sent.clean)
    return summed(records, sent) if records and CONTRADICTORY in records else outcome


def _by_status(answer: Answer, sent: Exchange) -> Outcome:
    status = answer.status
    if outcome := _coded(answer, sent):
        return outcome
    if status in sent.mapping.accepted:
        return _accepted(answer, sent)
    if 300 <= status <= 399:
        return _redirected(answer, sent)
    if 400 <= status <= 499 and refuses_credential(answer, _document(answer, sent.mapping)):
        return _unauthorized(answer, sent)
    if status in DEFERRING and (outcome := _deferred(answer, sent)):
        return outcome
    # 409 under an idempotency key: the first try of the same key is still at work (IETF draft
    # "The Idempotency-Key HTTP Header Field", section 2.7).
    if status == 408 or (status == 409 and sent.repeatable):
        return _unsure(answer, sent)
    if 400 <= status <= 499 or status == NOT_REACHED or _is_refusal(answer, sent):
        return _refused(answer, sent)
    if 500 <= status <= 599 and sent.mapping.five_xx_safe:
        halves = status in sent.mapping.splittable and len(sent.keys) > 1
        return Outcome(
            Verdict.SPLIT if halves else Verdict.RETRY,
            f"HTTP_{status}",
            sentences.FAILED_SAFELY.format(status=status, why=why(answer, sent)),
            rule="splittable" if halves else "five_xx_safe",
        )
    return _unsure(answer, sent)


def _is_refusal(answer: Answer, sent: Exchange) -> bool:
    """Whether a failure has a code for the one record that was sent, where the mapping has it."""
    mapping = sent.mapping
    if answer.status < 500 or len(sent.keys) != 1 or not mapping.envelope.code:
        return False
    code = as_name(find(_document(answer, mapping), mapping.envelope.code))
    return mapping.group_by_code.get(code) in OF_RECORDS


def _document(answer: Answer, mapping: ApiMapping) -> Any:
    """The answer's JSON; MISSING where it is none."""
    try:
        return document_of(answer, mapping)
    except NotDecoded:
        return MISSING


def _coded(answer: Answer, sent: Exchange) -> Outcome | None:
    """What the API's own code says of the whole batch, at any status, where its mapping lists it.

    Not where the answer also says of a single customer what became of it: that counts more.
    """
    accepted = answer.status in sent.mapping.accepted
    if accepted and not may_be_coded(answer.body, sent.mapping):
        return None
    document = _document(answer, sent.mapping)
    code, group = own_code(document, sent.mapping)
    counts = group in WHOLE_BATCH_GROUPS or (group in RETRYABLE and not accepted)
    if not counts or judge_refusal(document, sent.mapping, sent.keys, sent.clean) is not None:
        return None
    return _by_group(group, code, answer, sent)


def _by_group(group: str, code: str, answer: Answer, sent: Exchange) -> Outcome:
    rule = f"codes.{group}"
    if group == "credential":
        return replace(_unauthorized(answer, sent), rule=rule)
    name = filter_code(sent.clean(code), "FAILED")
    if group == "not_now":
        return replace(_not_now(name, answer, sent), rule=rule)
    said = sentences.NOT_JUST_NOW.format(why=why(answer, sent))
    return Outcome(Verdict.RETRY, name, said, rule=rule)


def _redirected(answer: Answer, sent: Exchange) -> Outcome:
    """301, 307 and 308 ask for the same POST elsewhere; after others it may have been done."""
    status, to = answer.status, Said(sent.clean(location_of(answer)))
    if status in NOT_DONE_HERE:
        said = sentences.REDIRECTED.format(status=status, why=to)
        return Outcome(Verdict.PAUSE, "REDIRECTED", said)
    said = sentences.REDIRECTED_AFTER.format(status=status, why=to)
    return replace(sent.unsure("REDIRECTED", said, status), pauses=True)


def location_of(answer: Answer) -> str:
    """Where a redirect leads, without what may be secret in it."""
    try:
        parts = urlsplit(answer.headers.get("location", ""))
        host = f"//{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return ""
    scheme = f"{parts.scheme}:" if parts.scheme else ""
    return f"{scheme}{host if parts.hostname else ''}{parts.path}"


def _unauthorized(answer: Answer, sent: Exchange) -> Outcome:
    summary = sentences.UNAUTHORIZED if answer.status == 401 else sentences.UNAUTHORIZED_OTHERWISE
    said = summary.format(credential=sent.credential, status=answer.status, why=why(answer, sent))
    return Outcome(Verdict.PAUSE, CREDENTIAL_REFUSED, said)


def is_credential_refused(outcome: Outcome) -> bool:
    """Whether another token may help: the whole batch was refused for its credential."""
    return outcome.verdict is Verdict.PAUSE and outcome.code == CREDENTIAL_REFUSED


def _deferred(answer: Answer, sent: Exchange) -> Outcome | None:
    """ "Not now". Only a 429 or 425 says so by itself; others by a header that says until when."""
    said = answer.status in (425, 429) or (
        asked_to_wait(answer.headers, sent.now, certain=False) is not None
    )
    # Whoever refuses has stored nothing, so it may be asked again without knowing when.
    if not said and (answer.status >= 500 or not says_not_now(answer.headers, sent.now)):
        return None
    return _not_now(f"HTTP_{answer.status}", answer, sent)


def _not_now(code: str, answer: Answer, sent: Exchange) -> Outcome:
    seconds = asked_to_wait(answer.headers, sent.now, certain=True)
    wait = sentences.LATER if seconds is None else sentences.AFTER.format(seconds=round(seconds))
    return Outcome(
        Verdict.DEFERRED,
        code,
        sentences.NOT_NOW.format(status=answer.status, why=why(answer, sent), wait=wait),
        retry_after=seconds,
    )


def _unsure(answer: Answer, sent: Exchange) -> Outcome:
    status = answer.status
    summary = sentences.UNSURE.get(
        status, sentences.BROKE if status >= 500 else sentences.UNEXPECTED
    )
    said = summary.format(status=status, why=why(answer, sent))
    return sent.unsure(f"HTTP_{status}", said, status)


STORED_BY_STATUS = Outcome(Verdict.SUCCESS, rule="proof")


def _accepted(answer: Answer, sent: Exchange) -> Outcome:
    mapping = sent.mapping
    if all_stored(answer.body, mapping, sent.keys):
        return Outcome(Verdict.SUCCESS, judged=(stored(mapping),) * len(sent.keys))
    status_proves = mapping.proof == "status" and not mapping.results
    if status_proves and mapping.envelope.when is None:
        return _by_status_alone(answer, sent)
    try:
        document = document_of(answer, mapping)
    except NotDecoded as error:
        if status_proves and not answer.body.strip():
            return STORED_BY_STATUS
        taken_on = None if answer.body.strip() else _taken_on(MISSING, answer, sent)
        return taken_on or _not_decoded(error, answer, sent)
    if taken_on := _taken_on(document, answer, sent):
        return taken_on
    if holds(document, mapping.envelope.when):
        return replace(_enveloped(document, answer, sent), rule="envelope.when")
    if status_proves:
        return STORED_BY_STATUS
    return judge_document(document, answer, sent)


def _not_decoded(error: NotDecoded, answer: Answer, sent: Exchange) -> Outcome:
    packed, why_not = answer.headers.get("content-encoding", "").strip(), error.message
    if packed.lower() not in UNPACKED:
        why_not = sentences.PACKED_OTHERWISE.format(how=sent.clean(packed))
    said = sentences.UNREADABLE.format(status=answer.status, error=why_not)
    if is_page(answer.body):
        words = Said(sent.clean(page_text(answer.body)))
        said = sentences.WEB_PAGE.format(status=answer.status, why=words)
    return sent.unsure("ANSWER_UNREADABLE", said)


def _by_status_alone(answer: Answer, sent: Exchange) -> Outcome:
    """Stored, by the operator's word; but not where the answer itself says that it is none."""
    try:
        document = document_of(answer, sent.mapping)
    except NotDecoded as error:
        return _not_decoded(error, answer, sent) if is_page(answer.body) else STORED_BY_STATUS
    if not says_failed(document):
        return STORED_BY_STATUS
    said = sentences.STATUS_BELIED.format(status=answer.status, why=why(answer, sent))
    return sent.unsure("CONTRADICTORY_ANSWER", said)


def submission_in(document: Any, answer: Answer, sent: Exchange) -> dict[str, object] | None:
    """What the API calls the work that it takes on, by the mapping's `poll`; None if it is not so.

    `url` is where its state is asked for, as the mapping or the answer says.
    """
    poll = sent.mapping.poll
    if poll is None or holds(document, sent.mapping.envelope.when):
        return None
    job = as_name(find(document, poll.job)) if poll.job else ""
    location = answer.headers.get("location", "")
    url = location if poll.url == "@location" else poll.url.replace("{job}", quote(job, safe=""))
    if not url or (poll.job and not job):
        return None
    return {"job": job, "url": url, "since": sent.now}


def _taken_on(document: Any, answer: Answer, sent: Exchange) -> Outcome | None:
    """The batch waits, if the API took it on; its answer may be no more than a Location."""
    poll = sent.mapping.poll
    found = None if sent.asks else submission_in(document, answer, sent)
    if poll is None or found is None:
        return None
    asked = retry_after(answer.headers, sent.now) or 0.0
    return _waiting(found, max(poll.every_seconds, asked))


def _waiting(submission: dict[str, object], seconds: float) -> Outcome:
    return Outcome(
        Verdict.WAITING,
        "SUBMITTED",
        sentences.SUBMITTED.format(name=str(submission["job"] or submission["url"])),
        retry_after=seconds,
        submission=submission,
        rule="poll",
    )


def judge_document(document: Any, answer: Answer, sent: Exchange, about: Any = MISSING) -> Outcome:
    """What a decoded answer of an accepted status proves, record by record.

    `about`: what the mapping's `rest` is read from, where that is not the document itself.
    """
    about = document if about is MISSING else about
    try:
        return summed(judge_records(document, about, sent.mapping, sent.keys, sent.clean), sent)
    except Unreadable as error:
        said = sentences.NOT_AS_MAPPED.format(status=answer.status, error=error.message)
        return sent.unsure("ANSWER_UNREADABLE", said)


def summed(records: Sequence[RecordOutcome], sent: Exchange) -> Outcome:
    """One outcome for the batch: success only if every record is."""
    verdicts = {record.verdict for record in records}
    judged = tuple(records)
    if not verdicts - {Verdict.SUCCESS}:
        return Outcome(Verdict.SUCCESS, judged=judged)
    first = records[0]
    if verdicts == {Verdict.UNKNOWN}:
        said = sentences.PROVES_NOTHING.format(code=first.code)
        return replace(sent.unsure(first.code, said + first.message), judged=judged)
    if verdicts in ({Verdict.DEFERRED}, {Verdict.PAUSE}):
        return Outcome(first.verdict, first.code, first.message, judged=judged)
    counts = {v: sum(record.verdict is v for record in records) for v in verdicts}
    parts = tuple(
        summary.format(n=counts[v]) for v, summary in sentences.OF_WHICH.items() if v in counts
    )
    message = sentences.OF_ALL.format(n=len(records), parts=parts)
    return Outcome(
        Verdict.MIXED,
        "SOME_FAILED",
        message,
        records=judged,
        judged=judged,
        pauses=Verdict.PAUSE in verdicts,
    )


def _enveloped(document: Any, answer: Answer, sent: Exchange) -> Outcome:
    """An error for the whole batch that came with an accepted status."""
    code, group = own_code(document, sent.mapping)
    if group in RETRYABLE:
        return _by_group(group, code, answer, sent)
    envelope = sent.mapping.envelope
    raw = as_name(find(document, envelope.code)) if envelope.code else ""
    name = filter_code(sent.clean(raw), "BATCH_REFUSED")
    said = sentences.BATCH_REFUSED.format(why=why(answer, sent))
    refusal = Outcome(Verdict.SPLIT, name, said)
    if group in OF_RECORDS and len(sent.keys) == 1:
        refusal = _of_the_one(group, code, document, sent)
    return _blamed(document, sent, refusal)


def _refused(answer: Answer, sent: Exchange) -> Outcome:
    status = answer.status
    document = _document(answer, sent.mapping)
    template = sentences.REFUSALS.get(status, sentences.REFUSED)
    said = template.format(status=status, why=why(answer, sent))
    code, group = own_code(document, sent.mapping)
    # A code that the mapping lists says more than the status: it is about a customer.
    name = filter_code(sent.clean(code), "REJECTED") if group else f"HTTP_{status}"
    if status in NOBODYS_FAULT and not group:
        refusal = Outcome(Verdict.PAUSE, name, said)
    elif group in OF_RECORDS and len(sent.keys) == 1:
        refusal = _of_the_one(group, code, document, sent)
    elif group or _may_be_halved(status, sent.mapping):
        refusal = Outcome(Verdict.SPLIT, name, said)
    else:
        refusal = Outcome(Verdict.REJECTED, name, said)
    return _blamed(document, sent, refusal)


def _may_be_halved(status: int, mapping: ApiMapping) -> bool:
    as_400 = status not in OWN_REFUSALS and 400 in mapping.splittable
    return as_400 or status in mapping.splittable


def _of_the_one(group: str, code: str, document: Any, sent: Exchange) -> Outcome:
    """A refusal of a single record, by a code that the mapping lists: there is no one else."""
    message = "; ".join(text for text in _reasons(document, sent.mapping) if text != code)
    one = failure_of(group, sent.clean(code), sent.clean(message), sent.mapping)
    return Outcome(one.verdict, one.code, one.message, rule=f"codes.{group}")


def judge_failed(document: Any, answer: Answer, sent: Exchange) -> Outcome:
    """What it means that the API broke off the work that it took on: each by its own result."""
    said = sentences.JOB_FAILED.format(why=why(answer, sent))
    return _blamed(document, sent, Outcome(Verdict.SPLIT, "JOB_FAILED", said))


def _blamed(document: Any, sent: Exchange, refusal: Outcome) -> Outcome:
    """A refusal, laid on the records that it names; else on the halves, else on the one record.

    A refusal that names nobody proves nothing but where this API's mapping states that it does.
    """
    records = judge_refusal(document, sent.mapping, sent.keys, sent.clean)
    if records is not None:
        return summed(records, sent)
    if refusal.verdict is Verdict.PAUSE or refusal.rule:
        return refusal
    if not sent.mapping.refusal_stored_nothing:
        said = refusal.message + sentences.REFUSAL_NOT_STATED
        rule = "refusal_stored_nothing"
        return replace(refusal, verdict=Verdict.UNKNOWN, message=said, rule=rule)
    if len(sent.keys) > 1:
        return replace(refusal, rule="refusal_stored_nothing")
    return replace(refusal, verdict=Verdict.REJECTED, rule="refusal_stored_nothing")


def why(answer: Answer, sent: Exchange) -> Said:
    """The API's own words about the whole batch."""
    try:
        reasons = _reasons(document_of(answer, sent.mapping), sent.mapping)
    except NotDecoded:
        reasons = [page_text(answer.body)] if answer.status >= 400 else []
    return Said(sent.clean(": ".join(reasons)))


def _reasons(document: Any, mapping: ApiMapping) -> list[str]:
    own = [path for path in (mapping.envelope.code, mapping.envelope.message) if path]
    reasons = [text for path in own if (text := as_name(find(document, path)))]
    if reasons:
        return reasons
    title = as_name(find(document, "title"))
    usual = next((t for p in USUAL_MESSAGES if (t := as_name(find(document, p)))), "")
    return [text for text in (title, usual) if text]
