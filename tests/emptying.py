"""How a test that commits leaves the database: empty, in a fraction of the time of Django's flush.

Django truncates every table, makes content types and permissions again, and connects anew: the
next test then waits for a server process that has read nothing of the catalogue yet. Only a few
tables have rows, no test changes those two, and what a connection was set to can be taken back.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection, transaction
from django.test import TransactionTestCase

if TYPE_CHECKING:
    from django.db.models import Model

KEPT = {"django_content_type", "auth_permission", "django_migrations"}
# A larger table is truncated: that costs files, where deleting costs its rows and leaves room.
FEW_BYTES = 1 << 20
# Foreign keys need not be looked at when all that refers to a row goes, too. Only a superuser, as
# the embedded server's user is, may say so; for others they are looked at when the last is gone.
WITHOUT_TRIGGERS = (
    "SELECT set_config('session_replication_role', 'replica', true)"
    " WHERE current_setting('is_superuser') = 'on'"
)
AS_CONNECTED = "RESET ALL; SELECT pg_advisory_unlock_all()"


def use() -> None:
    """From now on each test with `transaction=True` ends like this."""
    TransactionTestCase._fixture_teardown = empty_tables  # type: ignore[attr-defined]
    TransactionTestCase._should_reload_connections = keep_connected  # type: ignore[attr-defined]


def keep_connected(_: object) -> bool:
    """No new connection: it is as at its beginning."""
    with connection.cursor() as sql:
        sql.execute(AS_CONNECTED)
    connection.ensure_timezone()
    return False


def empty_tables(*_: object) -> None:
    """Empty the tables that have rows. Who still writes to one is waited for."""
    with connection.cursor() as sql:
        sql.execute(which_have_rows())
        found: list[tuple[str, int]] = sql.fetchall()
        if not found:
            return
        names = [f'"{name}"' for name, _size in found]
        large = [f'"{name}"' for name, size in found if size > FEW_BYTES]
        with transaction.atomic():
            empty(sql, names, large)


def empty(sql: Any, names: list[str], large: list[str]) -> None:
    sql.execute(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE")
    sql.execute(WITHOUT_TRIGGERS)
    for name in names:
        if name not in large:
            sql.execute(f"DELETE FROM {name}")  # noqa: S608
    if large:
        sql.execute(f"TRUNCATE {', '.join(large)} CASCADE")


@cache
def which_have_rows() -> str:
    """The query for their names and sizes."""
    names = sorted({model._meta.db_table for model in models() if model._meta.managed} - KEPT)
    one = "(SELECT '{0}', pg_relation_size('\"{0}\"') FROM \"{0}\" LIMIT 1)"
    return " UNION ALL ".join(one.format(name) for name in names)


def models() -> list[type[Model]]:
    return list(apps.get_models(include_auto_created=True))
