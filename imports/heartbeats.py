"""Signs of life of what works unseen: left and read by the database's clock."""

from __future__ import annotations

from django.db import connection
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from imports.models import Heartbeat

BEAT = """
INSERT INTO imports_heartbeat (name, at) VALUES (%s, statement_timestamp())
ON CONFLICT (name) DO UPDATE SET at = excluded.at
"""


def beat(name: str) -> None:
    """Write down that it was at work just now."""
    with connection.cursor() as sql:
        sql.execute(BEAT, [name])


def silent_seconds(name: str) -> float | None:
    """How long ago it was at work; None if it never was."""
    age = ExpressionWrapper(Now() - F("at"), output_field=DurationField())
    found = Heartbeat.objects.filter(name=name).values_list(age, flat=True).first()
    return found.total_seconds() if found is not None else None
