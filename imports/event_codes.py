"""The events of a job's log."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy


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
