"""A dry run of a draft: asked for by a person, made by whoever is free, and what it found."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from imports.fields import MessageField
from imports.models.jobs import ImportJob


class DryRun(models.Model):
    """The latest check of a whole draft. Asking again makes a new one in its place."""

    job = models.OneToOneField(ImportJob, models.CASCADE, related_name="dry_run")
    actor = models.CharField(max_length=150, default="", blank=True)
    draft = models.CharField(max_length=64)  # a digest of what was checked: files and settings
    asked_at = models.DateTimeField(db_default=Now())
    token = models.UUIDField(null=True)  # whose it is
    alive_at = models.DateTimeField(null=True)  # whoever makes it gave its last sign of life then
    records = models.PositiveIntegerField(default=0)  # read so far
    finished_at = models.DateTimeField(null=True)
    trouble = MessageField()  # why it could not be made
    forecast = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"dry run of job {self.job_id}"
