"""Batches, their records' results, and every attempt that was made."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from imports.fields import MessageField, OutsideTextField
from imports.messages import CAUSE_LENGTH, render
from imports.models.files import ImportFile
from imports.models.jobs import ImportJob
from imports.sealing import keys
from imports.sealing.keys import Unreadable
from imports.states import IN_FLIGHT, BatchStatus, ResultStatus


class ImportBatch(models.Model):
    """The unit that is sent, and tried again, whole. Its bytes never change.

    The counts of its results are written in the same transaction as the results, so that the
    totals of a job of a million records come from its batches.
    """

    # No index of its own: "batch_number_once" begins with it.
    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="batches", db_index=False)
    # A retry's batch keeps the number of the first job's batch that it comes from.
    number = models.PositiveIntegerField(_("batch"))
    part = models.PositiveIntegerField(default=0)  # 0; later parts come from a split
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="parts", db_index=False
    )
    status = models.CharField(
        _("status"),
        max_length=20,
        choices=BatchStatus,
        default=BatchStatus.PENDING,
        db_default=BatchStatus.PENDING,
    )

    # Numbers of batches of this job that must have ended before this one may be claimed: they hold
    # earlier copies of customers that are in it. Null for nearly all.
    after_numbers = ArrayField(models.PositiveIntegerField(), null=True, blank=True)

    body = models.BinaryField(default=b"")
    sealed_with = models.BigIntegerField(null=True, blank=True)  # a RecordsKey; None: it is plain
    head_length = models.PositiveIntegerField(default=0, db_default=0)  # bytes before its records
    tail_length = models.PositiveIntegerField(default=0, db_default=0)  # and after them
    body_sha256 = models.CharField(max_length=64, default="", blank=True)
    idempotency_key = models.CharField(max_length=64, default="", blank=True)

    size = models.PositiveIntegerField(_("records"))
    success_count = models.PositiveIntegerField(default=0, db_default=0)
    error_count = models.PositiveIntegerField(default=0, db_default=0)
    unknown_count = models.PositiveIntegerField(default=0, db_default=0)
    excluded_count = models.PositiveIntegerField(default=0, db_default=0)

    attempts = models.PositiveIntegerField(
        _("attempts"), default=0, db_default=0
    )  # against the budget
    tries = models.PositiveIntegerField(default=0, db_default=0)  # all, deferred ones included
    next_attempt_at = models.DateTimeField(db_default=Now())
    http_status = models.PositiveIntegerField(_("HTTP"), null=True, blank=True)
    error_code = models.CharField(_("code"), max_length=60, default="", db_default="", blank=True)
    error = OutsideTextField(_("error"), default="", db_default="", blank=True)
    message = MessageField()  # what `error` says in English
    cause = models.CharField(max_length=80, default="", db_default="", blank=True)  # of an Outcome
    # What the API calls the work that it took on. A pending batch with one has been sent, and
    # only its result is asked for.
    submission = models.JSONField(null=True, blank=True)

    # The claim: whose it is now, or whose it was last.
    token = models.UUIDField(null=True, blank=True)
    worker = models.CharField(max_length=200, default="", db_default="", blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        ordering = ["job_id", "number", "part"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["job", "number", "part"], name="batch_number_once"),
            models.CheckConstraint(
                condition=Q(status__in=BatchStatus.values), name="batch_status_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    size__gte=F("success_count")
                    + F("error_count")
                    + F("unknown_count")
                    + F("excluded_count")
                ),
                name="batch_counts_fit",
            ),
        ]
        indexes = [
            models.Index(
                fields=["job", "next_attempt_at", "id"],
                condition=Q(status=BatchStatus.PENDING),
                name="batch_due",
            ),
            models.Index(
                fields=["job"], condition=Q(status__in=IN_FLIGHT), name="batch_in_flight"
            ),
            # Few are parts; each move of a status has an entry to write in every other index.
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="batch_parts"),
            models.Index(
                fields=["job"], condition=Q(after_numbers__isnull=False), name="batch_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}.{self.part}" if self.part else str(self.number)


class ImportResult(models.Model):
    """The outcome of one record: one customer or one credential.

    What it points at is checked by nobody: that cost more than all else of storing it. The ledger
    writes the batch in the same transaction, and deletes none of these rows.
    """

    job = models.ForeignKey(
        ImportJob, models.CASCADE, related_name="results", db_index=False, db_constraint=False
    )
    batch = models.ForeignKey(
        ImportBatch,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="results",
        db_constraint=False,
    )
    file = models.ForeignKey(
        ImportFile, models.SET_NULL, null=True, blank=True, db_index=False, db_constraint=False
    )
    position = models.PositiveIntegerField(_("position in file"))
    key = OutsideTextField(_("customer"), default="", db_default="", blank=True)
    email = OutsideTextField(_("e-mail"), default="", db_default="", blank=True)
    status = models.CharField(
        _("status"),
        max_length=20,
        choices=ResultStatus,
        default=ResultStatus.PENDING,
        db_default=ResultStatus.PENDING,
    )
    error_code = models.CharField(_("code"), max_length=60, default="", db_default="", blank=True)
    error = OutsideTextField(_("error"), default="", db_default="", blank=True)
    message = MessageField()  # what `error` and `final_error` say in English; none for a success
    # What its failure has in common with others: written with it, so that a million failures are
    # grouped without reading their messages.
    cause = models.CharField(max_length=CAUSE_LENGTH, default="", db_default="", blank=True)
    http_status = models.PositiveIntegerField(_("HTTP"), null=True, blank=True)
    retry_attempts = models.IntegerField(_("attempts"), default=0, db_default=0)
    final_error = OutsideTextField(_("final error"), null=True, blank=True)
    body_start = models.PositiveIntegerField(default=0)  # where its bytes stand in batch.body
    body_length = models.PositiveIntegerField(default=0)
    refused_record = models.BinaryField(
        null=True, blank=True
    )  # the bytes of one that was never sent
    sealed_with = models.BigIntegerField(null=True, blank=True)  # a RecordsKey, of these bytes
    retry_of = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="retries",
        db_index=False,
        db_constraint=False,
    )
    # True of a retry whose bytes are others than those of the one that it is a retry of. Else it
    # is null, which takes no room.
    is_new_version = models.BooleanField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "import_results"
        verbose_name = _("result")
        verbose_name_plural = _("results")
        ordering = ["id"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ResultStatus.values), name="result_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[ResultStatus.PENDING, ResultStatus.SUCCESS])
                | ~Q(error_code=""),
                name="result_trouble_has_a_code",
            ),
            # Two clicks at once make one retry: a record is retried by one other, or by none.
            models.UniqueConstraint(
                fields=["retry_of"],
                condition=Q(retry_of__isnull=False),
                name="result_retried_once",
            ),
        ]
        # No index has `status` in it: a success then changes no index at all (a heap-only update).
        indexes = [
            models.Index(fields=["job", "id"], name="result_job"),
            # Of a class that serves "is" and "begins with", whatever the database's collation.
            models.Index(fields=["key"], opclasses=["text_pattern_ops"], name="result_key_begins"),
            models.Index(
                fields=["email"],
                opclasses=["text_pattern_ops"],
                condition=~Q(email=""),
                name="result_email_begins",
            ),
            models.Index(
                fields=["job", "error_code", "id"],
                condition=~Q(error_code=""),
                name="result_trouble",
            ),
        ]

    def __str__(self) -> str:
        return self.key or self.email or f"#{self.position}"

    @property
    def english(self) -> str:
        """The message in English, for files and programs."""
        return render(self.message)

    @property
    def final_english(self) -> str | None:
        """The message in English once it is final; None before, and for a success."""
        return None if self.status == ResultStatus.PENDING else self.english or None


class AssignedId(models.Model):
    """The id that the API gave a record it stored, where its mapping says where that stands."""

    result = models.OneToOneField(
        ImportResult, models.CASCADE, primary_key=True, related_name="assigned"
    )
    value = OutsideTextField(_("the API's id"))

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["value"], opclasses=["text_pattern_ops"], name="assigned_begins")
        ]

    def __str__(self) -> str:
        return self.value


class Attempt(models.Model):
    """One attempt at one batch. Written once, when it has ended, and never changed."""

    # No index of its own: "attempt_pace" begins with it.
    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="attempts", db_index=False)
    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="attempt_set")
    number = models.PositiveIntegerField(_("attempt"))  # counts the tries of these records from 1
    counted = models.BooleanField(default=True)  # against the operator's budget
    worker = models.CharField(max_length=200)
    claimed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(db_default=Now())
    verdict = models.CharField(_("verdict"), max_length=20)
    http_status = models.PositiveIntegerField(_("HTTP"), null=True)
    error_code = models.CharField(_("code"), max_length=60, default="", blank=True)
    error = OutsideTextField(_("error"), default="", blank=True)
    message = MessageField()  # what `error` says in English
    answer = OutsideTextField(default="", blank=True)  # an excerpt, free of secrets
    sealed_with = models.BigIntegerField(null=True, blank=True)  # a RecordsKey: base64 is in it
    success_count = models.PositiveIntegerField(default=0)
    error_count = models.PositiveIntegerField(default=0)
    unknown_count = models.PositiveIntegerField(default=0)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["id"]
        default_permissions = ("view",)
        indexes = [
            # A job's rate, chart and latest attempts are read from it, and not from the rows.
            models.Index(
                fields=["job", "ended_at"],
                include=["success_count", "error_count", "unknown_count"],
                name="attempt_pace",
            )
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.number}"

    @property
    def plain_answer(self) -> str:
        """The answer as it came, or why it cannot be opened."""
        try:
            return keys.plain_text(self.answer, self.sealed_with, keys.of_answer(self.batch_id))
        except Unreadable as error:
            return str(error)
