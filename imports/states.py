"""Every status with its label, icon and colour, the one table of allowed moves, and the events of
a job's log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise


_S = TypeVar("_S", bound="Status")


class Status(models.TextChoices):
    """A choice with its look beside it: `tone` is the colour's name, `icon` a Material symbol.

    Pages, filters, exports and commands show a status by its label only.
    """

    tone: str
    icon: str

    def __new__(cls, value: str, tone: str = "", icon: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.tone, member.icon = tone, icon
        return member


class JobStatus(Status):
    """Where one piece of bulk work stands."""

    # files may still be added; nothing is sent
    DRAFT = "draft", "neutral", "edit_note", _("Draft")
    # started by a person; its input is being cut into batches
    QUEUED = "queued", "info", "hourglass_top", _("Starting")
    # batches are due or in flight
    RUNNING = "running", "info", "sync", _("Running")
    # by a person, or because a person must act
    PAUSED = "paused", "warning", "pause_circle", _("Paused")
    # nothing is pending or in flight
    FINISHED = "finished", "success", "task_alt", _("Finished")
    # by a person; what was not sent is kept as failed
    CANCELLED = "cancelled", "neutral", "block", _("Cancelled")


class BatchStatus(Status):
    """Where one batch stands: the unit that is sent, and tried again, whole."""

    # due at next_attempt_at
    PENDING = "pending", "neutral", "schedule", _("Waiting")
    # a worker holds it; nothing has been sent
    CLAIMED = "claimed", "info", "pan_tool", _("Claimed")
    # intent is committed: it may have been sent
    SENDING = "sending", "info", "sync", _("Sending")
    # every record succeeded or was excluded
    DONE = "done", "success", "check_circle", _("Done")
    # some records are refused for good, none is unknown
    FAILED = "failed", "danger", "error", _("Failed")
    # some records may have arrived or not
    UNKNOWN = "unknown", "warning", "help", _("Unknown")
    # replaced by its parts, kept for its attempts
    SPLIT = "split", "neutral", "call_split", _("Split")


class ResultStatus(Status):
    """What is known of one record: one customer, one credential."""

    # not decided yet
    PENDING = "pending", "neutral", "schedule", _("Waiting")
    # the answer proves it
    SUCCESS = "success", "success", "check_circle", _("Success")
    # the answer proves that it was not stored
    ERROR = "error", "danger", "error", _("Failed")
    # it may be stored: a person looks
    UNKNOWN = "unknown", "warning", "help", _("Unknown")
    # never sent, with the reason why
    EXCLUDED = "excluded", "neutral", "do_not_disturb_on", _("Excluded")


class FileStatus(Status):
    """What is known of an input file."""

    # read through once: its records can be sent
    VALID = "valid", "success", "check_circle", _("Valid")
    # a member file whose record template nobody has chosen yet
    WAITING = "waiting", "warning", "rule_settings", _("Needs a template")
    # a large member file that a worker reads
    READING = "reading", "info", "hourglass_top", _("Being read")
    # refused whole: `message` says why
    INVALID = "invalid", "danger", "error", _("Cannot be read")


class DeliveryStatus(Status):
    """Where one notice to one channel stands."""

    # due at next_attempt_at, or on its way until lease_until
    WAITING = "waiting", "neutral", "schedule", _("Waiting")
    # the mail server, or the program, took it
    SENT = "sent", "success", "check_circle", _("Sent")
    # `error` says why; a person may have it sent again
    FAILED = "failed", "danger", "error", _("Given up")


class Look(NamedTuple):
    """How something is shown that is more than its status."""

    tone: str
    icon: str
    label: _StrOrPromise


FINISHED_WITH_FAILURES = Look("warning", "rule", _("Finished with failures"))
# a pending batch that was sent: the API works on it, and its result is asked for
AT_WORK_IN_THE_API = Look("info", "hourglass_top", _("Waiting for the API"))
TRIED_AGAIN_LATER = Look("warning", "schedule", _("Will retry"))  # a delivery
IN_FLIGHT = (BatchStatus.CLAIMED, BatchStatus.SENDING)
OPEN = (BatchStatus.PENDING, *IN_FLIGHT)
ENDED_JOBS = (JobStatus.FINISHED, JobStatus.CANCELLED)

# The only moves there are. The ledger makes them, each as a compare-and-set from `sources`.
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
            BatchStatus.UNKNOWN,  # its job was cancelled, and the API may have stored it
        }
    ),
    BatchStatus.CLAIMED: frozenset(
        {
            BatchStatus.SENDING,  # intent, before a byte leaves
            BatchStatus.PENDING,  # given back, or the lease is over: nothing was sent
            BatchStatus.FAILED,  # its job was cancelled before it was sent
            BatchStatus.UNKNOWN,  # its job was cancelled, and the API may have stored it
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
    BatchStatus.DONE: frozenset({BatchStatus.FAILED}),  # a person undid an exclusion
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
    ResultStatus.EXCLUDED: frozenset({ResultStatus.ERROR}),  # a person undid the exclusion
}


def sources(moves: Mapping[_S, frozenset[_S]], to: _S) -> list[_S]:
    """Where something must stand to be moved to `to`."""
    return [status for status, targets in moves.items() if to in targets]


class EventCode(models.TextChoices):
    """The kind of one event."""

    CREATED = "created", pgettext_lazy("log", "Created")
    DUPLICATED = "duplicated", pgettext_lazy("log", "Duplicated")
    RENAMED = "renamed", pgettext_lazy("log", "Renamed")
    CHECKED = "checked", pgettext_lazy("log", "Checked")
    STARTED = "started", pgettext_lazy("log", "Started")
    STAGE_ENDED = "stage_ended", pgettext_lazy("log", "Stage ended")
    PAUSED = "paused", pgettext_lazy("log", "Paused")
    RESUMED = "resumed", pgettext_lazy("log", "Resumed")
    CANCELLED = "cancelled", pgettext_lazy("log", "Cancelled")
    REQUEUED = "requeued", pgettext_lazy("log", "Re-queued")
    FINISHED = "finished", pgettext_lazy("log", "Finished")
    INPUT_REFUSED = "input_refused", pgettext_lazy("log", "Input refused")
    FILES_OUT_OF_SIGHT = "files_out_of_sight", pgettext_lazy("log", "Files not visible here")
    DUPLICATES = "duplicates", pgettext_lazy("log", "Duplicates")
    SETTINGS_CHANGED = "settings_changed", pgettext_lazy("log", "Settings changed")
    PASSWORD_CHANGED = "password_changed", pgettext_lazy("log", "Password changed")
    RETRIED = "retried", pgettext_lazy("log", "Retried")
    CORRECTED = "corrected", pgettext_lazy("log", "Corrected")
    SENT_ELSEWHERE = "sent_elsewhere", pgettext_lazy("log", "Sent to another API")
    EXCLUDED = "excluded", pgettext_lazy("log", "Excluded")
    EXCLUSION_UNDONE = "exclusion_undone", pgettext_lazy("log", "Exclusion undone")
    ARRIVED = "unknown_arrived", pgettext_lazy("log", "Marked as imported")
    NOT_ARRIVED = "unknown_did_not_arrive", pgettext_lazy("log", "Marked as failed")
    LOOKED_UP = "looked_up", pgettext_lazy("log", "Looked up")
    DONE_IN_BACKGROUND = "done_in_background", pgettext_lazy("log", "Done in the background")
    MADE_IN_BACKGROUND = (
        "made_in_background",
        pgettext_lazy("log", "Prepared in the background"),
    )
    RETRY_FILES_WRITTEN = "retry_files_written", pgettext_lazy("log", "Retry files written")
    RETRY_FILES_FAILED = (
        "retry_files_not_written",
        pgettext_lazy("log", "Retry files not written"),
    )
    NOT_DELIVERED = "bill_not_delivered", pgettext_lazy("log", "Bill not delivered")
    RESTORED = "restored", pgettext_lazy("log", "Restored from a backup")
    REMOVED = "removed", pgettext_lazy("log", "Removed: its time is over")
    ERASED = "erased", pgettext_lazy("log", "Erased a person")
    EXPORTED = "exported", pgettext_lazy("log", "Exported")
    NOTIFIED = "notified", pgettext_lazy("log", "Notified")
    NOT_NOTIFIED = "not_notified", pgettext_lazy("log", "Not notified")
