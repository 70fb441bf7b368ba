"""Salesforce Bulk API 2.0: a job is opened, filled with CSV, closed, and read back as CSV.

A job that is not closed processes nothing. So until then nothing is stored, whatever is lost; and
from then on the job's own lists say what became of each row. Source: "Bulk API 2.0 and Bulk API
Developer Guide", Salesforce.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from imports.customers.api.adapters.base import (
    Request,
    ask,
    is_overdue,
    still_waiting,
    waiting,
)
from imports.customers.api.answers import sentences
from imports.customers.api.answers.body import NotDecoded, decoded
from imports.customers.api.answers.fixed import DOUBLED, NOT_IN_ANSWER
from imports.customers.api.record_results import (
    failure_of,
    group_of,
)
from imports.customers.api.responses import summed
from imports.messages import marked as _
from imports.messages import sentence
from imports.policy import Outcome, RecordOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imports.customers.api.adapters.base import Asked, Batch, Submission
    from imports.customers.api.client import Client

NOT_OPENED = sentence(
    "BULK_NOT_OPENED", _("No bulk job could be opened, so nothing of the batch was stored:")
)
NOT_FILLED = sentence(
    "BULK_NOT_FILLED",
    _("The bulk job could not be filled and was aborted, so nothing of the batch was stored."),
)
UNPROCESSED = RecordOutcome(
    Verdict.RETRY,
    "FAILED",
    sentence(
        "BULK_UNPROCESSED",
        _("The bulk job ended before it came to this customer: nothing of it was stored."),
    ),
)
EVERY_SECONDS = 5.0
GIVE_UP_HOURS = 24.0
NULL = "#N/A"  # what Bulk 2.0 reads as "empty this field"
ENDED = ("JobComplete", "Failed", "Aborted")
CSV_ = {"Content-Type": "text/csv; charset=UTF-8"}
Row = tuple[str, ...]


class SalesforceBulk:
    """`adapter_options`: object, operation, and external_id (the field, for an upsert)."""

    name = "salesforce-bulk"
    submits = True

    def step(self, client: Client, batch: Batch) -> Outcome:
        """Open, fill, close, ask, read: one stage at a time."""
        job = _Job(client, batch)
        match (batch.submission or {}).get("stage"):
            case None:
                return job.open()
            case "open":
                return job.fill()
            case "filled":
                return job.close()
            case "abort":
                return job.abort()
        return job.ask()


class _Job:
    def __init__(self, client: Client, batch: Batch) -> None:
        self.client, self.batch = client, batch
        self.mapping = client.endpoint.mapping
        self.submission: Submission = batch.submission or {}
        self.url = f"{client.endpoint.url.rstrip('/')}/{self.submission.get('job', '')}"
        self.headings, self.rows = table_of(batch.records)
        self.times = Counter(map(sent_back, self.rows))

    def open(self) -> Outcome:
        options = self.mapping.adapter_options
        asked_for = {
            "object": options.get("object", "Contact"),
            "operation": options.get("operation", "insert"),
            "contentType": "CSV",
            "lineEnding": "LF",
        }
        if options.get("external_id"):
            asked_for["externalIdFieldName"] = options["external_id"]
        asked = self._ask("POST", self.client.endpoint.url, json.dumps(asked_for).encode())
        job = self._said(asked).get("id")
        if isinstance(job, str) and job:
            found: Submission = {"stage": "open", "job": job, "since": time.time()}
            return waiting(found, 0.0, sentences.SUBMITTED.format(name=job))
        if asked.must_wait:
            return asked.outcome
        refused = asked.answer is not None and 400 <= asked.answer.status <= 499
        verdict = Verdict.PAUSE if refused else Verdict.RETRY
        said = NOT_OPENED + asked.outcome.message
        code = asked.outcome.code if not asked.is_good else "ANSWER_UNREADABLE"
        return replace(asked.outcome, verdict=verdict, code=code, message=said, records=())

    def fill(self) -> Outcome:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([self.headings, *self.rows])
        asked = self._ask("PUT", f"{self.url}/batches", text.getvalue().encode(), CSV_)
        if asked.is_good:
            return waiting(self._at("filled"), 0.0)
        if asked.must_wait:
            return replace(asked.outcome, submission=self.submission)
        return waiting(self._at("abort"), 0.0)

    def close(self) -> Outcome:
        """Closing is asked for again until the job's state says what became of it."""
        asked = self._ask("PATCH", self.url, b'{"state": "UploadComplete"}')
        if asked.is_good:
            return waiting(self._at("closed"), EVERY_SECONDS)
        return self.ask(asked)

    def abort(self) -> Outcome:
        """Only a job that is known to be aborted, and was never closed, has stored nothing."""
        asked = self._ask("PATCH", self.url, b'{"state": "Aborted"}')
        state = self._said(asked).get("state") or self._state()
        if state == "Aborted":
            return Outcome(Verdict.RETRY, "FAILED", NOT_FILLED)
        return self._later(asked)

    def ask(self, before: Asked | None = None) -> Outcome:
        """The job's state, and its results once it has ended."""
        if before is not None and before.must_wait:
            return replace(before.outcome, submission=self.submission)
        asked = self._ask("GET", self.url)
        state = self._said(asked).get("state")
        if state == "Open":  # closing it was lost on the way
            return waiting(self._at("filled"), EVERY_SECONDS)
        if state in ENDED:
            return self._results(asked)
        if isinstance(state, str):
            return self._later(asked, self._at("closed"))
        return self._later(asked)

    def _results(self, state: Asked) -> Outcome:
        said: dict[Row, list[RecordOutcome]] = defaultdict(list)
        for name in ("successfulResults", "failedResults", "unprocessedrecords"):
            asked = self._ask("GET", f"{self.url}/{name}/", b"", {"Accept": "text/csv"})
            if asked.answer is None or not asked.is_good:
                return self._later(asked)
            for row in csv.DictReader(io.StringIO(asked.answer.body.decode("utf-8-sig"))):
                content = tuple(row.get(heading) or "" for heading in self.headings)
                said[sent_back(content)].append(self._outcome(name, row))
        sent = self.client.exchange_of(self.batch.keys, asks=True)
        outcome = summed([self._agreed(said, row) for row in self.rows], sent)
        return replace(outcome, http_status=200, answer=state.outcome.answer)

    def _outcome(self, listed: str, row: dict[str, str]) -> RecordOutcome:
        if listed == "successfulResults":
            return RecordOutcome(Verdict.SUCCESS, assigned=row.get("sf__Id") or "")
        if listed == "unprocessedrecords":
            return UNPROCESSED
        code, _colon, text = (row.get("sf__Error") or "").partition(":")
        clean = self.client.exchange().clean
        return failure_of(group_of(code, self.mapping), clean(code), clean(text), self.mapping)

    def _agreed(self, said: dict[Row, list[RecordOutcome]], row: Row) -> RecordOutcome:
        """What is said of a row; rows that are the same to a letter must all fare alike."""
        heard, times = said.get(sent_back(row), []), self.times[sent_back(row)]
        if not heard:
            return NOT_IN_ANSWER
        if len(heard) == times == 1:
            return heard[0]
        is_clear = len(heard) == times and len({(o.verdict, o.code) for o in heard}) == 1
        return replace(heard[0], assigned="") if is_clear else DOUBLED

    def _state(self) -> object:
        return self._said(self._ask("GET", self.url)).get("state")

    def _later(self, asked: Asked, submission: Submission | None = None) -> Outcome:
        if is_overdue(self.submission, time.time(), GIVE_UP_HOURS):
            said = sentences.RESULT_OVERDUE.format(hours=GIVE_UP_HOURS)
            return self.client.exchange_of(self.batch.keys).unsure("RESULT_OVERDUE", said)
        if asked.is_good:
            return waiting(submission or self.submission, EVERY_SECONDS)
        return still_waiting(asked, submission or self.submission, EVERY_SECONDS)

    def _at(self, stage: str) -> Submission:
        return {**self.submission, "stage": stage}

    def _ask(
        self, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Asked:
        return ask(self.client, Request(method, url, body, headers or {}))

    def _said(self, asked: Asked) -> dict[str, Any]:
        """The JSON object of a good answer; an empty one where there is none."""
        try:
            found = decoded(asked.answer.body) if asked.answer and asked.is_good else {}
        except NotDecoded:
            return {}
        return found if isinstance(found, dict) else {}


def table_of(records: Sequence[bytes]) -> tuple[list[str], list[Row]]:
    """The headings and rows of records: nested fields by path, in the order they first appear."""
    flat = [_flat(raw) for raw in records]
    headings = list(dict.fromkeys(name for record in flat for name in record))
    return headings, [tuple(record.get(name, "") for name in headings) for record in flat]


def sent_back(row: Row) -> Row:
    """A row as the results have it: what empties a field comes back empty."""
    return tuple("" if cell == NULL else cell for cell in row)


def _flat(raw: bytes, before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items():
        text = bytes(value)
        if text[:1] == b"{":
            found |= _flat(text, f"{before}{name}.")
        elif text == b"null":
            found[before + name] = NULL
        else:
            found[before + name] = (
                msgspec.json.decode(text, type=str) if text[:1] == b'"' else text.decode()
            )
    return found
