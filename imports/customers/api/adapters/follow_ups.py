"""An API asked once more: for the result of a batch it took on, or whether it has one record.

A mapping's `poll` says how to ask for a result, its `lookup` how to look a record up: a proof, or
none.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import msgspec

from imports.customers.api.adapters.base import (
    Asked,
    Request,
    ask,
    is_overdue,
    still_waiting,
    waiting,
)
from imports.customers.api.answers import sentences
from imports.customers.api.answers.body import NotDecoded, decoded, results_in, says_failed
from imports.customers.api.answers.entries import members_of
from imports.customers.api.json_paths import MISSING, as_name, find, steps
from imports.customers.api.record_results import Unreadable, holds, is_empty, no_list
from imports.customers.api.requests import CannotBuild, Source, filled_url
from imports.customers.api.responses import (
    Answer,
    Exchange,
    judge_document,
    judge_failed,
    location_of,
    why,
)
from imports.http.redaction import excerpt
from imports.http.retry_after import retry_after
from imports.messages import Said, sentence
from imports.messages import marked as _
from imports.policy import LookedUp, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imports.customers.api.adapters.base import Submission
    from imports.customers.api.client import Client
    from imports.customers.api.mapping import Lookup, Mapping, Poll, RecordKey
    from imports.messages import Text


MOST_PAGES = 1_000
# RFC 8288: <https://api.example/rows?page=2>; rel="next"
_LINK_TO_NEXT = re.compile(
    r'<([^<>]*)>(?=[^<]*;\s*rel\s*=\s*"?(?:[^"<;]*\s)?next\b)', re.IGNORECASE
)
GONE = (404, 410)
TIMES_MISSED = 3  # not every part of an API knows at once what another has taken on
NOT_THERE_YET = Outcome(Verdict.UNKNOWN, "JOB_GONE", sentences.NOT_THERE_YET)


def ask_for_result(client: Client, submission: Submission, keys: Sequence[RecordKey]) -> Outcome:
    """Ask once how far the API is; the batch's own outcome if it has ended. Never raises."""
    mapping = client.endpoint.mapping
    if mapping.poll is None:
        return Outcome(
            Verdict.PAUSE, "MAPPING_CHANGED", sentences.NO_SUCH_POLL, submission=submission
        )
    return _Question(client, mapping, mapping.poll, submission, keys).asked()


class _Question:
    """One question for one batch's result."""

    def __init__(
        self,
        client: Client,
        mapping: Mapping,
        poll: Poll,
        submission: Submission,
        keys: Sequence[RecordKey],
    ) -> None:
        self.client, self.mapping, self.poll = client, mapping, poll
        self.submission, self.keys = submission, keys
        self.sent = client.exchange_of(keys, asks=True)

    def asked(self) -> Outcome:
        found = self._get(str(self.submission["url"]))
        missed = int(str(self.submission.get("missed", 0))) + 1
        self.submission = {k: v for k, v in self.submission.items() if k != "missed"}
        if found.answer is not None and found.answer.status == 404 and missed < TIMES_MISSED:
            self.submission["missed"] = missed
            return self._later(found._replace(outcome=NOT_THERE_YET))
        if found.answer is not None and found.answer.status in GONE:
            said = sentences.JOB_GONE.format(
                status=found.answer.status, why=why(found.answer, self.sent)
            )
            return self._as_of(found.answer, self.sent.unsure("JOB_GONE", said))
        if found.answer is None or not found.is_good or found.must_wait:
            return self._later(found)
        try:
            state = decoded(found.answer.body)
        except NotDecoded:
            return self._later(found)
        if holds(state, self.poll.failed):
            return self._as_of(found.answer, judge_failed(state, found.answer, self.sent))
        if not holds(state, self.poll.done):
            return self._later(found, as_name(find(state, self.poll.done.path)))
        return self._results(state, found.answer)

    def _results(self, state: Any, answer: Answer) -> Outcome:
        """What the results say, of which there may be many pages."""
        if not self.poll.results_url:
            return self._as_of(answer, judge_document(state, answer, self.sent))
        url, pages = self._first_page(), dict[str, Any]()
        while url:
            found = self._get(url)
            if found.answer is None or not found.is_good or found.must_wait:
                return self._later(found)
            try:
                page = results_in(found.answer.body, self.mapping)
            except NotDecoded:
                return self._later(found)
            if holds(page, self.mapping.envelope.when):  # an error in the place of a page
                return self._later(found)
            answer, pages[url] = found.answer, page
            url = self._next(url, page, answer)
            if url in pages or len(pages) == MOST_PAGES:
                return self._unreadable(answer, sentences.NO_LAST_PAGE)
        try:
            document = merged(list(pages.values()), self.mapping, state)
        except Unreadable as error:
            return self._unreadable(answer, error.message)
        about = document if isinstance(document, dict) else {"@job": state}
        return self._as_of(answer, judge_document(document, answer, self.sent, about))

    def _unreadable(self, answer: Answer, error: Text) -> Outcome:
        said = sentences.NOT_AS_MAPPED.format(status=answer.status, error=error)
        return self._as_of(answer, self.sent.unsure("ANSWER_UNREADABLE", said))

    def _first_page(self) -> str:
        job = quote(str(self.submission["job"]), safe="")
        url = self.poll.results_url.replace("{job}", job)
        return self._absolute(url.replace("{location}", str(self.submission["url"])))

    def _next(self, url: str, page: Any, answer: Answer) -> str:
        """The address of the page after this one; "" after the last."""
        if not self.poll.next:
            return ""
        if self.poll.next == "@link":
            found = _LINK_TO_NEXT.search(answer.headers.get("link", ""))
            return urljoin(url, found[1]) if found else ""
        following = as_name(find(page, self.poll.next))
        if not following:
            return ""
        if not self.poll.next_parameter:
            return urljoin(url, following)
        parts = urlsplit(url)
        query = [pair for pair in parse_qsl(parts.query) if pair[0] != self.poll.next_parameter]
        query.append((self.poll.next_parameter, following))
        return parts._replace(query=urlencode(query)).geturl()

    def _absolute(self, url: str) -> str:
        return urljoin(self.client.endpoint.url, url)

    def _get(self, url: str) -> Asked:
        return ask(self.client, Request("GET", self._absolute(url)))

    def _later(self, found: Asked, state: str = "") -> Outcome:
        hours = self.poll.give_up_after_hours
        why_not = Said(self.sent.clean(state))
        if is_overdue(self.submission, time.time(), hours):
            said = sentences.RESULT_OVERDUE.format(hours=hours, why=why_not)
            return self.sent.unsure("RESULT_OVERDUE", said)
        if found.answer is not None and 300 <= found.answer.status <= 399:
            to = Said(self.sent.clean(location_of(found.answer)))
            said = sentences.REDIRECTED_ASKED.format(status=found.answer.status, why=to)
            return Outcome(Verdict.PAUSE, "REDIRECTED", said, submission=self.submission)
        if found.answer is None or not found.is_good or found.must_wait:
            return still_waiting(found, self.submission, self.poll.every_seconds)
        asked = retry_after(found.answer.headers, self.sent.now) or 0.0
        seconds = max(self.poll.every_seconds, asked)
        said = sentences.STATE_SAID.format(why=why_not) if state else sentences.STILL_AT_WORK
        return waiting(self.submission, seconds, said)

    def _as_of(self, answer: Answer, outcome: Outcome) -> Outcome:
        return with_answer(outcome, answer, self.sent)


def with_answer(outcome: Outcome, answer: Answer, sent: Exchange) -> Outcome:
    """The outcome with what the API answered, as an attempt keeps it."""
    return replace(outcome, http_status=answer.status, answer=excerpt(answer.body, sent.secrets))


def merged(pages: Sequence[Any], mapping: Mapping, state: Any) -> Any:
    """All pages as one document: the lists of results joined, the job's state at "@job".

    Raises Unreadable where that proves nothing: a page without its list of failures, which would
    then be none, or one key on two pages.
    """
    if not pages:
        return MISSING
    for results in mapping.results:
        is_silent_proof = results.holds == "failures" and results.required
        for page in pages if is_silent_proof else ():
            if members_of(find(page, results.at), results) is None:
                raise Unreadable(no_list(results))
    document = pages[0]
    for place in dict.fromkeys(results.at for results in mapping.results):
        found = [value for page in pages if not is_empty(value := find(page, place))]
        if found[1:] or (found and is_empty(find(document, place))):
            document = _with(document, place, _joined(found))
    return document | {"@job": state} if isinstance(document, dict) else document


def _joined(found: Sequence[Any]) -> Any:
    """The lists of several pages as one, or their objects, which have no key in common."""
    if all(isinstance(each, list) for each in found):
        return list(chain.from_iterable(found))
    if not all(isinstance(each, dict) for each in found):
        raise Unreadable(sentences.PAGES_DIFFER)
    both = dict(chain.from_iterable(each.items() for each in found))
    if len(both) < sum(map(len, found)):
        raise Unreadable(sentences.NAME_TWICE)
    return both


def _with(document: Any, place: str, value: Any) -> Any:
    """The document with a value at a place, which it may lack."""
    if not place:
        return value
    is_one_name = isinstance(document, dict) and place in document
    *way, last = (place,) if is_one_name else steps(place)
    holder = document
    for step in way:
        if isinstance(holder, dict):
            holder.setdefault(step, {})
        holder = find(holder, step)
    if not isinstance(holder, dict):
        raise Unreadable(sentences.PAGES_DIFFER)
    holder[last] = value
    return document


STORED = sentence("LOOKUP_STORED", _("The API has this customer as it was sent."))
ABSENT = sentence("LOOKUP_ABSENT", _("Looked up: the API has no such customer."))
DIFFERS = sentence(
    "LOOKUP_DIFFERS", _("The API has such a customer, but “{field}” is not as it was sent.")
)
NO_PROOF = sentence(
    "LOOKUP_NO_PROOF", _("The API answered HTTP {status}, which proves nothing of this customer.")
)
NO_LOOKUP = sentence(
    "LOOKUP_NOT_MAPPED", _("The API's mapping does not say how a customer is looked up (lookup).")
)
STOPS = (Verdict.PAUSE, Verdict.DEFERRED, Verdict.RETRY)


def look_up(client: Client, raw: bytes) -> LookedUp:
    """Ask for one record: SUCCESS stored, REJECTED not stored, UNKNOWN no proof. Never raises.

    PAUSE, DEFERRED and RETRY mean that nothing more can be asked just now.
    """
    mapping = client.endpoint.mapping
    if mapping.lookup is None:
        return LookedUp(Verdict.PAUSE, NO_LOOKUP)
    try:
        url = filled_url(mapping.lookup.url, Source(raw, 0, "", mapping))
    except CannotBuild as error:
        return LookedUp(Verdict.UNKNOWN, error.message)
    return _judged(
        ask(client, Request("GET", urljoin(client.endpoint.url, url))), raw, mapping.lookup
    )


def _judged(asked: Asked, raw: bytes, lookup: Lookup) -> LookedUp:
    if asked.answer is None:
        can_go_on = asked.outcome.verdict not in STOPS
        verdict = Verdict.UNKNOWN if can_go_on else asked.outcome.verdict
        return LookedUp(verdict, asked.outcome.message)
    status = asked.answer.status
    if status in lookup.absent:
        return LookedUp(Verdict.REJECTED, ABSENT)
    if status == 401 or (asked.must_wait and status not in lookup.found):
        return LookedUp(asked.outcome.verdict, asked.outcome.message)
    try:
        document = decoded(asked.answer.body) if status in lookup.found else MISSING
    except NotDecoded:
        document = MISSING
    if document is MISSING:
        return LookedUp(Verdict.UNKNOWN, NO_PROOF.format(status=status))
    if holds(document, lookup.absent_when):
        return LookedUp(Verdict.REJECTED, ABSENT)
    there = find(document, lookup.at)
    if lookup.empty_is_absent and there == [] and not says_failed(document):
        return LookedUp(Verdict.REJECTED, ABSENT)
    return _compared(there, msgspec.json.decode(raw), lookup)


def _compared(found: Any, record: Any, lookup: Lookup) -> LookedUp:
    """Stored only if all that is compared is there, and is as it was sent."""
    if isinstance(found, list):  # of a search: more than one could be anybody
        found = found[0] if len(found) == 1 else MISSING
    for theirs, ours in lookup.compare.items():
        if not _is_same(find(found, theirs), find(record, ours)):
            return LookedUp(Verdict.UNKNOWN, DIFFERS.format(field=theirs))
    return LookedUp(Verdict.SUCCESS, STORED)


def _is_same(theirs: Any, ours: Any) -> bool:
    """Whether two values are one; a number may come back as its text."""
    if theirs is MISSING or ours is MISSING or ours is None:
        return False
    if type(theirs) is type(ours):
        return bool(theirs == ours)
    return bool(as_name(theirs)) and as_name(theirs) == as_name(ours)
