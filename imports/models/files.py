"""The input files of a job, and its retry files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from imports.fields import MessageField
from imports.models.jobs import ImportJob
from imports.states import FileStatus as FileStatus
from imports.storage import stored

if TYPE_CHECKING:
    from pathlib import Path


class ImportFile(models.Model):
    """One input file of a job, checked when it was added."""

    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="files")
    name = models.CharField(_("name"), max_length=500)  # as the operator knows it; only shown
    path = models.TextField()  # where the bytes are, as `location` reads it
    is_ours = models.BooleanField(default=False)  # an upload of ours, removed with its draft
    size = models.BigIntegerField(_("size"), default=0)
    sha256 = models.CharField(max_length=64, default="", blank=True)
    status = models.CharField(
        _("verdict"), max_length=20, choices=FileStatus, default=FileStatus.VALID
    )
    message = MessageField(_("message"))
    record_count = models.PositiveIntegerField(_("records"), default=0)
    excluded_count = models.PositiveIntegerField(_("cannot be sent"), default=0)
    # Records whose customer an earlier record of the draft names, too.
    duplicate_count = models.PositiveIntegerField(default=0, db_default=0)
    warnings = models.JSONField(default=list, blank=True)  # the first hundred messages
    refusals = models.JSONField(default=list, blank=True)  # the first few: position, code, message
    retry_file = models.ForeignKey("imports.RetryFile", models.SET_NULL, null=True, blank=True)
    # What its API has, or may have, of its records: codes, parameters (ledger/known_before.py).
    known_before = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), blank=True
    )
    added_at = models.DateTimeField(_("added"), db_default=Now())
    # A worker reads it: since when it waits for one, whose it is, and how far that one is.
    asked_at = models.DateTimeField(null=True, blank=True)
    token = models.UUIDField(null=True, blank=True)
    alive_at = models.DateTimeField(null=True, blank=True)
    read_count = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ["id"]
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["job"], condition=models.Q(asked_at__isnull=False), name="files_unread"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def location(self) -> Path:
        """A path of this host that holds the file; a file of a shared storage is downloaded.

        It need not be valid text, nor exist. Raises OSError where the storage does not answer.
        """
        return stored.local_path(self.path, self.sha256)

    @property
    def pieces(self) -> list[str]:
        """Where all that is kept of it lies: itself, the rows it was made of, and their index."""
        member = getattr(self, "member", None)
        if member is None or not member.source:
            return [self.path]
        index = self.path.rpartition(".")[0] + ".index"
        return list(dict.fromkeys([self.path, member.source, index]))


class RetryFile(models.Model):
    """One retry file that Redrive wrote, and the results its records belong to, in order.

    A loaded file is recognised by its SHA-256, or, if it was edited, by its ids.
    """

    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="retry_files")
    directory = models.TextField()
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, db_index=True)
    batch_number = models.PositiveIntegerField()
    # False: unconfirmed_batch_NN.json, or left_out_batch_NN.json
    confirmed = models.BooleanField(default=True)
    left_out = models.BooleanField(default=False, db_default=False)  # left_out_batch_NN.json
    # failed_rows.csv: the same records as the other files', as the rows that they came in as
    rows = models.BooleanField(default=False, db_default=False)
    result_ids = ArrayField(models.BigIntegerField())
    written_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.directory}/{self.name}"
