"""One thread with one database connection, on which a lane's attempts are written down in turn."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from django.db import close_old_connections, connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

CHECKED_AFTER_SECONDS = 5.0  # a connection that was in use just now is not asked whether it lives
P = ParamSpec("P")
T = TypeVar("T")


class Keeper:
    """What it is given is done in order. Playwright's thread must never touch the database."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._used_at = 0.0

    def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start it as soon as what came before is done; returns at once."""

        def fresh() -> T:
            now = time.monotonic()
            if now - self._used_at > CHECKED_AFTER_SECONDS:
                close_old_connections()
            self._used_at = now
            return work(*args, **kwargs)

        return self._pool.submit(fresh)

    def __enter__(self) -> Keeper:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish what was given, then close the connection."""
        self._pool.submit(lambda: connection.close())  # a lambda: the keeper's own connection
        self._pool.shutdown(wait=True)
