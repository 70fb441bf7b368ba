"""The files of a job, and what is made of them: records by a template, rows, retry files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from imports.fields import MessageField
from imports.models.apis import CustomerApi
from imports.models.jobs import ImportJob
from imports.states import FileStatus
from imports.storage import stored

if TYPE_CHECKING:
    from pathlib import Path


class RecordsKey(models.Model):
    """The key of one job's records; without a job, of files that belong to none.

    Only `imports.sealing.keys` opens it. What it sealed cannot be read once it is deleted.
    """

    FERNET_TOKENS = ("token",)  # for rotate_secrets

    job = models.OneToOneField(
        ImportJob, models.CASCADE, null=True, blank=True, related_name="records_key"
    )
    token = models.BinaryField()  # a Fernet token of the key
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"key of job {self.job_id}"


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


class RecordTemplate(models.Model):
    """One version of a record template. A version never changes; saving makes the next one."""

    name = models.CharField(_("name"), max_length=100)
    version = models.PositiveIntegerField(_("version"), default=1)
    api = models.ForeignKey(
        CustomerApi, models.CASCADE, related_name="record_templates", verbose_name=_("API")
    )
    document: Any = models.JSONField()  # as `members.template.read` reads it
    headings = models.JSONField(default=list)  # of the file that it was made for
    is_current = models.BooleanField(default=True, db_default=True)  # the latest of its name
    created_by = models.CharField(_("made by"), max_length=150, default="", blank=True)
    created_at = models.DateTimeField(_("made"), db_default=Now())

    class Meta:
        verbose_name = _("record template")
        verbose_name_plural = _("record templates")
        ordering = ["name", "-version"]
        default_permissions = ("view",)
        permissions = [("manage_templates", "Can make, change and delete record templates")]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="template_version_once"),
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(is_current=True),
                name="template_one_current_version",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class MemberFile(models.Model):
    """What an input file was before it became API-shaped, and how it became so."""

    file = models.OneToOneField(ImportFile, models.CASCADE, related_name="member")
    template = models.ForeignKey(RecordTemplate, models.SET_NULL, null=True, blank=True)
    document = models.JSONField(default=dict, blank=True)  # the template's, as it was used
    form = models.JSONField(default=dict, blank=True)  # how rows are written (members.rows.Form)
    source = models.TextField(default="", blank=True)  # the file that holds the rows' own bytes
    sha256 = models.CharField(max_length=64, default="", blank=True)  # of what was added
    size = models.BigIntegerField(default=0)  # of what was added, in bytes

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.file.name

    @property
    def described(self) -> str:
        """How it is written, in short: "CSV ; UTF-8", "XLSX, sheet Members"."""
        if self.form.get("kind") == "xlsx":
            return f"XLSX · {self.form.get('sheet', '')}"
        separator = {"\t": "tab"}.get(self.form.get("separator", ""), self.form.get("separator"))
        return f"CSV · {separator} · {self.form.get('encoding', '').upper()}"

    @property
    def rows_path(self) -> Path:
        """Where the rows' own bytes are."""
        return stored.local_path(self.source)


class CorrectedRow(models.Model):
    """The row that a corrected version of a record was made of, in place of the file's own."""

    result = models.OneToOneField(
        "imports.ImportResult", models.CASCADE, related_name="corrected_row"
    )
    member = models.ForeignKey(MemberFile, models.CASCADE, related_name="corrected_rows")
    form = models.JSONField()  # how the corrected file is written
    row = models.PositiveIntegerField()  # its number there
    raw = models.BinaryField()
    sealed_with = models.BigIntegerField(null=True, blank=True)  # a RecordsKey; None: it is plain

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"row {self.row}"
