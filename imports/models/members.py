"""Member files (CSV, XLSX, JSON lines): how they become an API's records, and their own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from imports.models.apis import CustomerApi
from imports.models.batches import ImportResult
from imports.models.files import ImportFile
from imports.storage import stored

if TYPE_CHECKING:
    from pathlib import Path


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

    result = models.OneToOneField(ImportResult, models.CASCADE, related_name="corrected_row")
    member = models.ForeignKey(MemberFile, models.CASCADE, related_name="corrected_rows")
    form = models.JSONField()  # how the corrected file is written
    row = models.PositiveIntegerField()  # its number there
    raw = models.BinaryField()
    sealed_with = models.BigIntegerField(null=True, blank=True)  # a RecordsKey; None: it is plain

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"row {self.row}"
