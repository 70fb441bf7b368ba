"""How a test that commits leaves the database: empty, in a tenth of the time of Django's flush.

Django truncates every table, then makes content types and permissions again. Only a few tables
have rows, and no test changes those two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.db import connection

if TYPE_CHECKING:
    from django.db.models import Model

KEPT = {"django_content_type", "auth_permission", "django_migrations"}


def empty_tables(*_: object) -> None:
    """Empty the tables that have rows."""
    names = sorted({model._meta.db_table for model in models() if model._meta.managed} - KEPT)
    one = "(SELECT '{0}' FROM \"{0}\" LIMIT 1)"
    query = " UNION ALL ".join(one.format(name) for name in names)
    with connection.cursor() as sql:
        sql.execute(query)
        if found := [f'"{name}"' for (name,) in sql.fetchall()]:
            sql.execute(f"TRUNCATE {', '.join(found)} CASCADE")


def models() -> list[type[Model]]:
    return list(apps.get_models(include_auto_created=True))
