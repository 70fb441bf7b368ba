"""What an adapter is: one Python file that speaks to an API which no mapping can describe.

An adapter is a class with a `step`. It is called with a batch, does the next thing that there is
to do, and returns an Outcome with the same verdicts as any answer. WAITING with a `submission`
means that there is more to do: the submission (JSON, no secret) is stored with the batch, no
worker is held, and any worker calls `step` again with it after `retry_after` seconds.

Two duties keep the promise. The first step, without a submission, must store nothing, or return
what is proven of it. And a step may be repeated with the same submission, because a worker may
have died in the middle of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from imports.customers.api.answers import sentences
from imports.customers.api.oauth2 import TokenFailure, TokenRefused
from imports.http.transport import Undelivered
from imports.policy import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imports.customers.api.client import Client
    from imports.customers.api.mapping import RecordKey
    from imports.customers.api.responses import Answer
    from imports.messages import Text

Submission = dict[str, Any]
ASK_AGAIN_SECONDS = 10.0


@dataclass(frozen=True)
class Batch:
    """One stored batch as an adapter sees it: its records' bytes, and how each may be named."""

    records: Sequence[bytes]
    keys: Sequence[RecordKey]
    key: str  # the batch's idempotency key
    submission: Submission | None = None


class Adapter(Protocol):
    """One API. `submits`: its first step stores nothing, so a lost one may be repeated."""

    name: str
    submits: bool

    def step(self, client: Client, batch: Batch) -> Outcome:
        """Do the next thing, and say what came of it."""
        ...


class Asked(NamedTuple):
    """What came of one request of an adapter: an answer, or the outcome that there is none."""

    answer: Answer | None
    outcome: Outcome

    @property
    def is_good(self) -> bool:
        """Whether it is a 2xx."""
        return self.answer is not None and 200 <= self.answer.status <= 299

    @property
    def must_wait(self) -> bool:
        """Whether a person or time must pass: a refused credential, or "not now"."""
        return self.outcome.verdict in (Verdict.PAUSE, Verdict.DEFERRED)


@dataclass(frozen=True)
class Request:
    """One request of an adapter, other than a batch by its mapping."""

    method: str
    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def ask(client: Client, request: Request, keys: Sequence[RecordKey] = ()) -> Asked:
    """Send one request. Never raises: a lost answer is UNKNOWN, one that was not sent RETRY."""
    try:
        made = client.call(request.method, request.body, request.url, request.headers, keys)
        return Asked(*made)
    except TokenFailure as failure:
        verdict = Verdict.PAUSE if isinstance(failure, TokenRefused) else Verdict.RETRY
        outcome = Outcome(verdict, failure.code, failure.sentence, retry_after=failure.wait)
        return Asked(None, outcome)
    except Undelivered as error:
        failure_ = error.failure
        outcome = Outcome(failure_.verdict, failure_.code, failure_.sentence, failure_.status)
        return Asked(None, outcome)


def waiting(
    submission: Submission, seconds: float, message: Text = sentences.STILL_AT_WORK
) -> Outcome:
    """There is more to do, after so many seconds."""
    return Outcome(
        Verdict.WAITING, "SUBMITTED", message, retry_after=seconds, submission=submission
    )


def still_waiting(asked: Asked, submission: Submission, seconds: float) -> Outcome:
    """The question failed, which changes nothing of the batch: it is asked again.

    A refused credential pauses the job and "not now" its API, as ever.
    """
    if asked.must_wait:
        return replace(asked.outcome, submission=submission)
    text = sentences.NOT_ASKED + asked.outcome.message + sentences.ASKED_AGAIN
    return waiting(submission, max(seconds, ASK_AGAIN_SECONDS), text)


def is_overdue(submission: Submission, now: float, hours: float) -> bool:
    """Whether the API has had the batch for longer than its mapping allows."""
    return now - float(submission.get("since") or now) > hours * 3600
