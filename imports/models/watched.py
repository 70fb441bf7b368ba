"""Folders that are watched for files to import, and the files that were seen there."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from imports.fields import EncryptedTextField, MessageField
from imports.models.apis import CustomerApi
from imports.models.jobs import ImportJob

if TYPE_CHECKING:
    from collections.abc import Iterable

# Folders of ours within a watched one: what was taken, and what could not be read.
DONE, REFUSED = "done", "refused"


class PlaceKind(models.TextChoices):
    """Where a watched folder is."""

    FOLDER = "folder", _("Folder")  # below WATCH_DIR, which all workers see
    S3 = "s3", _("S3 bucket")  # or a store that speaks its protocol
    SFTP = "sftp", _("SFTP server")


class WatchedFolder(models.Model):
    """A place that is watched: each file that is put there becomes an import of its own."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(
        _("type"), max_length=20, choices=PlaceKind, default=PlaceKind.FOLDER,
        db_default=PlaceKind.FOLDER,
    )  # fmt: skip
    # below WATCH_DIR · s3://bucket/prefix · sftp://host:22/path
    folder = models.CharField(
        _("folder"), max_length=500, unique=True,
        help_text=_(
            "Folder: below the directory of WATCH_DIR, for example “weekly/members”. S3: "
            "s3://bucket/folder. SFTP: sftp://host:22/folder."
        ),
    )  # fmt: skip
    endpoint = models.CharField(
        _("S3 endpoint"), max_length=2000, default="", blank=True,
        help_text=_("Empty for Amazon; else the store’s https:// address."),
    )  # fmt: skip
    region = models.CharField(_("region"), max_length=100, default="", blank=True)
    user_name = models.CharField(_("user or access key"), max_length=500, default="", blank=True)
    host_key = models.TextField(
        _("host key"), default="", blank=True,
        help_text=_(
            "The line that “ssh-keyscan HOST” prints, once it has been checked: ssh-ed25519 AAAA…"
        ),
    )  # fmt: skip
    secret = EncryptedTextField(_("password or secret key"), default="", blank=True)
    pattern = models.CharField(
        _("files"), max_length=100, default="*.json",
        help_text=_("Which names are taken: “*.json”, “members_*.json”."),
    )  # fmt: skip
    api = models.ForeignKey(
        CustomerApi, models.PROTECT, related_name="watched_folders", verbose_name=_("customer API")
    )
    starts = models.BooleanField(
        _("start by itself"), default=True,
        help_text=_("Else each file becomes a draft, which you start."),
    )  # fmt: skip
    is_active = models.BooleanField(_("active"), default=True)
    looked_at = models.DateTimeField(null=True, blank=True, editable=False)
    trouble = MessageField(_("trouble"))  # why it cannot be looked at

    class Meta:
        verbose_name = _("watched folder")
        verbose_name_plural = _("watched folders")
        ordering = ["name"]
        default_permissions = ()
        permissions = [("manage_watched_folders", "Can say which folders are watched")]

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> Path:
        """Where it is on this host, if it is a folder."""
        watched: Path = settings.WATCH_DIR
        return watched / self.folder

    def clean(self) -> None:
        """Raises ValidationError for a place that cannot be watched, or a bad pattern."""
        errors: dict[str, str] = {}
        is_local = self.kind == PlaceKind.FOLDER
        if is_local and not is_inside(PurePosixPath(self.folder).parts):
            errors["folder"] = gettext("Name a folder below WATCH_DIR: no leading /, and no “..”.")
        if "/" in self.pattern or not self.pattern.strip():
            errors["pattern"] = gettext("Give a pattern of file names, without a folder.")
        if errors:
            raise ValidationError(errors)


def is_inside(parts: Iterable[str]) -> bool:
    """Whether these parts of a path lead down and nowhere else."""
    given = list(parts)
    reserved = {"/", "..", ".", "~", DONE, REFUSED}
    return bool(given) and not any(part in reserved or "\0" in part for part in given)


class WatchedFile(models.Model):
    """A file in a watched folder: seen, then taken once, then moved.

    It counts as complete when size and time have stayed the same since `seen_at` for a while.
    `taken_at` is set when its import has it; the same name with the same bytes is not taken again.
    """

    folder = models.ForeignKey(WatchedFolder, models.CASCADE, related_name="files")
    name = models.CharField(_("file"), max_length=500)
    size = models.BigIntegerField(default=0)
    modified_ns = models.BigIntegerField(default=0)
    seen_at = models.DateTimeField(db_default=Now())
    sha256 = models.CharField(max_length=64, default="", blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    job = models.ForeignKey(ImportJob, models.SET_NULL, null=True, blank=True)
    taken_at = models.DateTimeField(_("taken"), null=True, blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    message = MessageField()  # what became of it, where that is not an import that was started

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["folder", "name"],
                condition=Q(taken_at__isnull=True),
                name="watched_file_seen_once",
            ),
            models.UniqueConstraint(
                fields=["folder", "name", "sha256"],
                condition=Q(taken_at__isnull=False, message__isnull=True),
                name="watched_file_taken_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name
