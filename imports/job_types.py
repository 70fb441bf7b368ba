"""What a job type (customers, bills) must offer the engine, and the registry of job types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from imports.messages import Message, MessageError, Text, sentence
from imports.messages import marked as gettext_noop

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from django.db.models import QuerySet

    from imports.models import ImportJob, ImportResult
    from imports.policy import Budget, LookedUp, Outcome, Patience


@dataclass(frozen=True, slots=True)
class Trace:
    """Something that is kept of a person: what, how many, and why it stays where it has to."""

    what: str  # a code: "results", "bills"
    count: int
    where: str = ""  # "job 7"
    stays_because: str = ""  # a code: "UNRESOLVED"; "" for what is (or would be) erased


@dataclass(frozen=True, slots=True)
class Work:
    """One claimed batch as plain values, without the ORM.

    `attempt` counts from 1 towards the operator's `max_attempts`. `tries` counts from 1, too, and
    includes those that used up no attempt.
    """

    job_id: int
    batch_id: int
    number: int
    token: UUID
    attempt: int
    max_attempts: int
    size: int
    body: bytes
    idempotency_key: str
    tries: int
    submission: dict[str, object] | None = None  # what the other side works on since it was sent
    unreadable: Text | None = None  # why its bytes cannot be opened: then there is no body

    @property
    def log_ids(self) -> dict[str, int]:
        """`extra` of a log line about this attempt."""
        return {"job": self.job_id, "batch": self.batch_id, "attempt": self.tries}


class Runner(Protocol):
    """Keeps several attempts in flight. Opened once per turn, on the job runner's thread."""

    def submit(self, work: Work) -> Future[Outcome]:
        """Start one attempt and return at once. The future never raises: it returns an outcome."""
        ...


class UnreadableInput(MessageError):
    """The job's input cannot be cut into batches. The message names file, place and remedy."""


class ReadLater(Exception):
    """Another job is reading the same input: this one waits until it has."""


class InputOutOfSight(MessageError):
    """This host cannot see the job's input; another may. The message says what and why."""


class JobType(Protocol):
    """The interface between the engine and what is specific to customers or bills."""

    name: str
    record_noun: str  # "customer", "credential": for sentences
    record_done: str  # "imported", "downloaded": what a success is called
    needs_person: frozenset[str]  # codes after which a person must act before another try

    def budget(self, job: ImportJob) -> Budget:
        """The job's attempts and delays."""
        ...

    def patience(self) -> Patience:
        """The number of failures with one cause after which a job stops itself."""
        ...

    def lease_seconds(self, job: ImportJob) -> float:
        """Longer than any attempt can take: afterwards another worker may settle the batch."""
        ...

    def rests_until(self, job: ImportJob) -> datetime | None:
        """Until when nothing of the job may begin; None: it may now. Asked before each claim."""
        ...

    def bring_input(self, job: ImportJob) -> None:
        """Bring the job's input to this host, outside any transaction.

        Raises InputOutOfSight where that is impossible.
        """
        ...

    def read(self, job: ImportJob) -> None:
        """Turn the job's input into batches and results, inside the caller's transaction.

        Raises UnreadableInput, InputOutOfSight or ReadLater; then nothing is stored. What is long
        may be left to `reading`.
        """
        ...

    def reading(self, job: ImportJob) -> AbstractContextManager[Callable[[], bool]]:
        """What reads a little more of a running job's input, and says whether more is left.

        It says so to one worker at a time.
        """
        ...

    def read_rest(self, job: ImportJob) -> None:
        """Read all that is left of a cancelled job's input, so that no record is lost."""
        ...

    def prepare_draft(self, job: ImportJob) -> None:
        """Do what a worker has to do for a draft, such as a dry run that somebody asked for."""
        ...

    def unprepared_drafts(self) -> QuerySet[ImportJob]:
        """The drafts that wait for `prepare_draft`, and no worker is at it."""
        ...

    def runner(self, job: ImportJob, in_flight: int) -> AbstractContextManager[Runner]:
        """A runner for up to `in_flight` tries at once."""
        ...

    def can_look_up(self, job: ImportJob) -> bool:
        """Whether the other side can be asked for one record."""
        ...

    def looker(self, job: ImportJob) -> Callable[[bytes], LookedUp]:
        """What asks the other side for one record. Only where `can_look_up`."""
        ...

    def lost(self, job: ImportJob) -> Outcome:
        """What it means that a try's lease ran out and nobody saw its end."""
        ...

    def close(self, job: ImportJob) -> None:
        """Write what an ended job leaves behind; called again where that was impossible.

        The caller holds the job's row.
        """
        ...

    def write_retry_files(self, job: ImportJob, parent: Path) -> Path | None:
        """Write the failed records below `parent`; the new directory, or None if none failed."""
        ...

    def prepare_retry(self, retry: ImportJob) -> None:
        """In the transaction that made a retry: what a job needs beside the ledger's columns."""
        ...

    def copy_records(self, retry: ImportJob) -> None:
        """When a retry has all its batches: copy what these need beside their bodies."""
        ...

    def retryable(self, job: ImportJob) -> QuerySet[ImportResult] | None:
        """The results that may be tried again without `force`; None for all."""
        ...

    def tidy(self) -> int:
        """Remove a little of what is kept too long; how many things.

        May wait for the storage, and raises no OSError.
        """
        ...

    def erase(self, person: str, *, look_only: bool) -> list[Trace]:
        """Erase what this job type keeps of a person besides the ledger's tables, or find it."""
        ...

    def sweep(self) -> None:
        """Tidy up, every second or so. Quick, and raises no OSError."""
        ...


_job_types: dict[str, JobType] = {}
# What a job's batches are to a person: where each holds one credential, they are accounts.
COUNTS = {
    "customer": sentence("N_BATCHES", gettext_noop("{n} batches"), one=gettext_noop("{n} batch")),
    "credential": sentence(
        "N_ACCOUNTS", gettext_noop("{n} accounts"), one=gettext_noop("{n} account")
    ),
}


def register(kind: JobType) -> None:
    """Called by an app's `ready()`."""
    _job_types[kind.name] = kind


def every() -> list[JobType]:
    """All kinds, as they were registered."""
    return list(_job_types.values())


def get(name: str) -> JobType:
    """The job type of that name. Raises KeyError if no app has registered it."""
    return _job_types[name]


def batches(kind: str, count: int) -> Message:
    """ "5 batches" of such a job, or "5 accounts", for a sentence."""
    return COUNTS[get(kind).record_noun].format(n=count)
