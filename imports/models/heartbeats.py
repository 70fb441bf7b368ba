"""Signs of life of what works unseen."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Heartbeat(models.Model):
    """When a process last did its round, by the database's clock. One row for each name."""

    name = models.CharField(max_length=40, primary_key=True)  # "sweeper"
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
