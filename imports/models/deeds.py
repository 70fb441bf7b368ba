"""What a person did about one record by itself: a job's log says it of all of them together."""

from __future__ import annotations

from django.db import models

from imports.models.batches import ImportResult
from imports.models.jobs import JobEvent


class Deed(models.Model):
    """One record that an event is about: left out, found to have arrived. Only ever added."""

    event = models.ForeignKey(JobEvent, models.CASCADE, related_name="deeds", db_index=False)
    result = models.ForeignKey(ImportResult, models.CASCADE, related_name="deeds")

    class Meta:
        default_permissions = ()
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.result_id}"
