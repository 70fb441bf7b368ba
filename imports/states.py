"""Every status of a job, a batch and a result, and the one table of allowed moves."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobStatus(models.TextChoices):
    """Where one piece of bulk work stands."""

    DRAFT = "draft", _("Draft")  # files may still be added; nothing is sent
    QUEUED = "queued", _("Queued")  # started by a person; its input is being cut into batches
    RUNNING = "running", _("Running")  # batches are due or in flight
    PAUSED = "paused", _("Paused")  # by a person, or because a person must act
    FINISHED = "finished", _("Finished")  # nothing is pending or in flight
    CANCELLED = "cancelled", _("Cancelled")  # by a person; what was not sent is kept as failed


class BatchStatus(models.TextChoices):
    """Where one batch stands: the unit that is sent, and tried again, whole."""

    PENDING = "pending", _("Pending")  # due at next_attempt_at
    CLAIMED = "claimed", _("Claimed")  # a lane holds it; nothing has been sent
    SENDING = "sending", _("Sending")  # intent is committed: it may have been sent
    DONE = "done", _("Done")  # every record succeeded or was excluded
    FAILED = "failed", _("Failed")  # some records are refused for good, none is unknown
    UNKNOWN = "unknown", _("Unknown")  # some records may have arrived or not
    SPLIT = "split", _("Split")  # replaced by its parts, kept for its attempts


class ResultStatus(models.TextChoices):
    """What is known of one record: one customer, one credential."""

    PENDING = "pending", _("Pending")  # not decided yet
    SUCCESS = "success", _("Success")  # the answer proves it
    ERROR = "error", _("Error")  # the answer proves that it was not stored
    UNKNOWN = "unknown", _("Unknown")  # it may be stored: a person looks
    EXCLUDED = "excluded", _("Excluded")  # never sent, with the reason why


IN_FLIGHT = (BatchStatus.CLAIMED, BatchStatus.SENDING)
OPEN = (BatchStatus.PENDING, *IN_FLIGHT)
ENDED_JOBS = (JobStatus.FINISHED, JobStatus.CANCELLED)

# The only moves there are. imports/ledger.py makes them, each as a compare-and-set.
JOB_MOVES: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.DRAFT: frozenset({JobStatus.QUEUED, JobStatus.CANCELLED}),
    JobStatus.QUEUED: frozenset(
        {
            JobStatus.RUNNING,  # the input is in the ledger
            JobStatus.DRAFT,  # the input cannot be read: nothing is half-imported
            JobStatus.CANCELLED,
        }
    ),
    JobStatus.RUNNING: frozenset({JobStatus.PAUSED, JobStatus.FINISHED, JobStatus.CANCELLED}),
    JobStatus.PAUSED: frozenset(
        {
            JobStatus.RUNNING,
            JobStatus.FINISHED,  # the last ones in flight came back while it was paused
            JobStatus.CANCELLED,
        }
    ),
    JobStatus.FINISHED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}
BATCH_MOVES: dict[BatchStatus, frozenset[BatchStatus]] = {
    BatchStatus.PENDING: frozenset(
        {
            BatchStatus.CLAIMED,
            BatchStatus.FAILED,  # its job was cancelled before it was sent
        }
    ),
    BatchStatus.CLAIMED: frozenset(
        {
            BatchStatus.SENDING,  # intent, before a byte leaves
            BatchStatus.PENDING,  # given back, or the lease is over: nothing was sent
            BatchStatus.FAILED,  # its job was cancelled before it was sent
        }
    ),
    BatchStatus.SENDING: frozenset(
        {
            BatchStatus.DONE,
            BatchStatus.FAILED,
            BatchStatus.UNKNOWN,  # no proof either way, or the lease is over
            BatchStatus.PENDING,  # proven not stored, or safe to repeat: again, after a delay
            BatchStatus.SPLIT,
        }
    ),
    BatchStatus.UNKNOWN: frozenset(
        {
            BatchStatus.DONE,  # late evidence, or a person's verdict with a reason
            BatchStatus.FAILED,  # the same
        }
    ),
    BatchStatus.FAILED: frozenset(
        {
            BatchStatus.DONE,  # a person excluded the last failed record
        }
    ),
    BatchStatus.DONE: frozenset(),
    BatchStatus.SPLIT: frozenset(),
}
RESULT_MOVES: dict[ResultStatus, frozenset[ResultStatus]] = {
    ResultStatus.PENDING: frozenset(
        {
            ResultStatus.SUCCESS,
            ResultStatus.ERROR,
            ResultStatus.UNKNOWN,
        }
    ),
    ResultStatus.UNKNOWN: frozenset(
        {
            ResultStatus.SUCCESS,  # late evidence, or a person's verdict with a reason
            ResultStatus.ERROR,  # the same
        }
    ),
    ResultStatus.ERROR: frozenset({ResultStatus.EXCLUDED}),  # by a person, with a reason
    ResultStatus.SUCCESS: frozenset(),
    ResultStatus.EXCLUDED: frozenset(),
}
