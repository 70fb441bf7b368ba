"""The keys that customers' records are encrypted with, where ENCRYPT_RECORDS is on."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from imports.models.jobs import ImportJob


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
