"""How the ledger's own SQL reaches PostgreSQL: in binary, and planned once for a lane's turn."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection
from psycopg.pq import Format

if TYPE_CHECKING:
    from collections.abc import Iterator


def cursor() -> psycopg.Cursor[Any]:
    """A cursor on this thread's connection that speaks binary: bodies go over as they are.

    Outside of a transaction each statement is one by itself, with one trip to the server.
    """
    connection.ensure_connection()
    made = psycopg.Cursor(connection.connection)
    made.format = Format.BINARY
    return made


@contextmanager
def one_trip() -> Iterator[None]:
    """What is executed within the block goes to the server together, as one transaction.

    Its answers are there when the block ends. Each statement sees what was committed before it.
    """
    connection.ensure_connection()
    with connection.connection.pipeline():
        yield


@contextmanager
def planned_once() -> Iterator[None]:
    """Within the block PostgreSQL plans a prepared statement once, not each time it is run.

    How many batches a statement is about hardly changes how it is best carried out, and planning
    it costs as much as carrying it out. Only for a lane: a page's queries differ more.
    """
    with cursor() as sql:
        sql.execute("SET plan_cache_mode TO force_generic_plan")
    try:
        yield
    finally:
        with suppress(psycopg.Error), cursor() as sql:  # a connection that broke has no settings
            sql.execute("RESET plan_cache_mode")
