"""One decision of an operator about many records, and the records that an event is about."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from imports.fields import MessageField, OutsideTextField
from imports.models.batches import ImportResult
from imports.models.jobs import ImportJob, JobEvent


class ActionType(models.TextChoices):
    """What is done with each record of a bulk action."""

    RETRY = "retry", _("Retry")  # failed ones go out again, in one new job
    SEND_AGAIN = "send-again", _("Send again")  # the same for unknown ones, with a reason
    EXCLUDE = "exclude", _("Exclude")  # failed ones are left out for good, with a reason
    ARRIVED = "arrived", _("They arrived")  # unknown ones count as stored, with a reason
    LOOK_UP = "look-up", _("Look up")  # unknown ones are asked for; only a proof decides
    NOT_ARRIVED = "not-arrived", _("They did not arrive")  # unknown ones count as failed
    RESTORE = "restore", _("Undo exclusion")  # excluded ones count as failed again


class BulkAction(models.Model):
    """One decision about many records, which were fixed when it was confirmed.

    `total` = `taken` + `skipped_changed` + those of the parts that are still to come.
    """

    job = models.ForeignKey(
        ImportJob, models.CASCADE, related_name="bulk_actions"
    )  # where it was pressed
    root = models.ForeignKey(ImportJob, models.CASCADE, related_name="family_bulk_actions")
    action = models.CharField(max_length=20, choices=ActionType)
    actor = models.CharField(max_length=150, default="", blank=True)
    reason = OutsideTextField(default="", blank=True)
    force = models.BooleanField(default=False)
    starts = models.BooleanField(default=True)  # the retry, when it is complete
    # The line in the log that its records' own stories tell of.
    event = models.ForeignKey(JobEvent, models.SET_NULL, null=True, db_index=False)
    # The retry's job: a draft until the plan has ended.
    made = models.ForeignKey(
        ImportJob, models.SET_NULL, null=True, blank=True, related_name="made_by"
    )
    total = models.PositiveIntegerField(default=0)
    taken = models.PositiveIntegerField(default=0)
    skipped_changed = models.PositiveIntegerField(default=0)  # they had changed meanwhile
    left_out = models.PositiveIntegerField(default=0)  # they would fail again, and were not forced
    skipped_retried = models.PositiveIntegerField(default=0)  # a later retry has them already
    # Older than what their API has now, and not forced: [[job, its status there, count]].
    imported_later = models.JSONField(default=list, blank=True)
    in_background = models.BooleanField(default=False)  # many: workers do it chunk by chunk
    trouble = MessageField()  # why it ended before its time
    confirmed_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            # Two clicks make one plan; so do two people.
            models.UniqueConstraint(
                fields=["root"], condition=Q(finished_at=None), name="bulk_action_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.total}"

    @property
    def seen(self) -> int:
        """How many of its records have been processed so far."""
        return self.taken + self.skipped_changed


class BulkActionChunk(models.Model):
    """As many records of a bulk action as one short transaction takes."""

    bulk_action = models.ForeignKey(
        BulkAction, models.CASCADE, related_name="parts", db_index=False
    )
    number = models.PositiveIntegerField()
    result_ids = ArrayField(models.BigIntegerField())
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["bulk_action_id", "number"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["bulk_action", "number"], name="bulk_action_chunk_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.bulk_action_id}.{self.number}"


class RecordEvent(models.Model):
    """One record that an event is about, such as one that was left out. Never changed."""

    event = models.ForeignKey(
        JobEvent, models.CASCADE, related_name="record_events", db_index=False
    )
    result = models.ForeignKey(ImportResult, models.CASCADE, related_name="record_events")

    class Meta:
        default_permissions = ()
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.result_id}"
