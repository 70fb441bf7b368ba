"""APIs that take a batch on and are asked for the result, as a mapping's `poll` says."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from imports.customers.api import answer_sentences as words
from imports.customers.api.adapters.base import (
    Asked,
    Request,
    ask,
    is_overdue,
    still_waiting,
    waiting,
)
from imports.customers.api.answers.decoding import NotDecoded, decoded, results_in
from imports.customers.api.json_paths import MISSING, as_name, find
from imports.customers.api.record_results import holds
from imports.customers.api.responses import (
    Answer,
    Exchange,
    judge_document,
    judge_failed,
    why,
)
from imports.http.redaction import excerpt
from imports.policy import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imports.customers.api.adapters.base import Submission
    from imports.customers.api.client import Client
    from imports.customers.api.mapping import Mapping, Poll, RecordKey

MOST_PAGES = 1_000
GONE = (404, 410)


def ask_for_result(client: Client, submission: Submission, keys: Sequence[RecordKey]) -> Outcome:
    """Ask once how far the API is; the batch's own outcome if it has ended. Never raises."""
    mapping = client.endpoint.mapping
    if mapping.poll is None:
        return Outcome(Verdict.PAUSE, "MAPPING_CHANGED", words.NO_SUCH_POLL, submission=submission)
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
        if found.answer is not None and found.answer.status in GONE:
            said = words.JOB_GONE.format(
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
            return self._later(found)
        return self._results(state, found.answer)

    def _results(self, state: Any, answer: Answer) -> Outcome:
        """What the results say, of which there may be many pages."""
        if not self.poll.results_url:
            return self._as_of(answer, judge_document(state, answer, self.sent))
        job = quote(str(self.submission["job"]), safe="")
        url, pages = self.poll.results_url.replace("{job}", job), list[Any]()
        while url and len(pages) < MOST_PAGES:
            found = self._get(url)
            if found.answer is None or not found.is_good or found.must_wait:
                return self._later(found)
            try:
                page = results_in(found.answer.body, self.mapping)
            except NotDecoded:
                return self._later(found)
            pages.append(page)
            answer, url = found.answer, self._next(url, page)
        document = merged(pages, [results.at for results in self.mapping.results], state)
        return self._as_of(answer, judge_document(document, answer, self.sent))

    def _next(self, url: str, page: Any) -> str:
        """The address of the page after this one; "" after the last."""
        if not self.poll.next:
            return ""
        following = as_name(find(page, self.poll.next))
        if not following or not self.poll.next_parameter:
            return following
        parts = urlsplit(url)
        query = [pair for pair in parse_qsl(parts.query) if pair[0] != self.poll.next_parameter]
        query.append((self.poll.next_parameter, following))
        return parts._replace(query=urlencode(query)).geturl()

    def _get(self, url: str) -> Asked:
        return ask(self.client, Request("GET", urljoin(self.client.endpoint.url, url)))

    def _later(self, found: Asked) -> Outcome:
        hours = self.poll.give_up_after_hours
        if is_overdue(self.submission, time.time(), hours):
            said = words.RESULT_OVERDUE.format(hours=hours)
            return self.sent.unsure("RESULT_OVERDUE", said)
        if found.is_good and not found.must_wait:
            return waiting(self.submission, self.poll.every_seconds)
        return still_waiting(found, self.submission, self.poll.every_seconds)

    def _as_of(self, answer: Answer, outcome: Outcome) -> Outcome:
        return with_answer(outcome, answer, self.sent)


def with_answer(outcome: Outcome, answer: Answer, sent: Exchange) -> Outcome:
    """The outcome with what the API answered, as an attempt keeps it."""
    return replace(outcome, http_status=answer.status, answer=excerpt(answer.body, sent.secrets))


def merged(pages: Sequence[Any], places: Sequence[str], state: Any) -> Any:
    """All pages as one document: the lists of results joined, the job's state at "@job"."""
    if not pages:
        return MISSING
    first = pages[0]
    for page in pages[1:]:
        for place in set(places):
            here, more = find(first, place), find(page, place)
            if isinstance(here, list) and isinstance(more, list):
                here += more
            elif isinstance(here, dict) and isinstance(more, dict):
                here.update(more)
    return first | {"@job": state} if isinstance(first, dict) else first
