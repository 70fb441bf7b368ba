"""The token of a saved API: one encrypted row for all workers and hosts.

Each step is one statement, committed at once; no transaction is open while a token is asked for.
The right to ask is a lease, taken by compare-and-set, by PostgreSQL's clock.
"""

from __future__ import annotations

import math
import uuid
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from imports.customers.api.oauth2 import Held, TokenUnavailable
from imports.fields import WrongKey
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import AccessToken

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")
AWAY = sentence(
    "TOKEN_STORE_AWAY",
    _("The database that holds the API's token could not be reached. Nothing was sent yet."),
)
AWAY_SECONDS = 2.0
LONGEST_LIFETIME_SECONDS = 10 * 365 * 86_400.0  # fits into a date; longer means "never"


def _reaching(step: Callable[P, R]) -> Callable[P, R]:
    @wraps(step)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return step(*args, **kwargs)
        except (OperationalError, InterfaceError):
            raise TokenUnavailable("TOKEN_STORE_AWAY", AWAY, AWAY_SECONDS) from None

    return guarded


class TokenRow:
    """A `TokenStore` in PostgreSQL."""

    def __init__(self, api_id: int) -> None:
        self._api_id = api_id
        self._row = AccessToken.objects.filter(api_id=api_id)

    @_reaching
    def read(self, fingerprint: str) -> Held:
        """One look without a lock. What no key opens counts as not there."""
        try:
            row = self._row.annotate(now=Now()).first()
        except WrongKey:
            row = self._row.defer("token", "fingerprint").annotate(now=Now()).get()
            row.token = row.fingerprint = ""
        if row is None:
            AccessToken.objects.bulk_create(
                [AccessToken(api_id=self._api_id)], ignore_conflicts=True
            )
            return Held()
        claimed = _seconds(row.claimed_until, row.now) if row.claimed_until else 0.0
        if row.fingerprint != fingerprint:
            return Held(row.version, claimed_for=claimed)
        return Held(
            row.version,
            row.token,
            _seconds(row.now, row.issued_at or row.now),
            _seconds(row.expires_at, row.now) if row.expires_at else math.inf,
            row.failure,
            claimed,
        )

    @_reaching
    def claim(self, version: int, seconds: float) -> str | None:
        mine = uuid.uuid4()
        free = Q(claim=None) | Q(claimed_until__lt=Now())
        until = Now() + Value(timedelta(seconds=seconds))
        claimed = self._row.filter(free, version=version).update(claim=mine, claimed_until=until)
        return str(mine) if claimed else None

    @_reaching
    def keep(self, claim: str, fingerprint: str, token: str, lifetime: float) -> None:
        ends = (
            Now() + Value(timedelta(seconds=lifetime))
            if lifetime < LONGEST_LIFETIME_SECONDS
            else None
        )
        self._end(
            claim,
            fingerprint=fingerprint,
            token=token,
            issued_at=Now(),
            expires_at=ends,
            failure=None,
        )

    @_reaching
    def fail(self, claim: str, fingerprint: str, facts: dict[str, Any] | None) -> None:
        if facts is None:  # it was not even asked: whoever waits asks
            self._row.filter(claim=claim).update(claim=None, claimed_until=None)
            return
        # A failure is its credential's; a token of another one is of no use any more.
        try:
            is_same = self._row.values_list("fingerprint", flat=True).get() == fingerprint
        except (WrongKey, AccessToken.DoesNotExist):
            is_same = False
        forgotten = {} if is_same else {"token": "", "fingerprint": fingerprint}
        self._end(claim, failure=facts, **forgotten)

    @_reaching
    def drop(self, version: int) -> None:
        self._row.filter(version=version).update(token="", version=F("version") + 1)

    def _end(self, claim: str, **changes: Any) -> None:
        """Only the holder of the claim changes the row."""
        self._row.filter(claim=claim).update(
            **changes, claim=None, claimed_until=None, version=F("version") + 1
        )


def _seconds(later: Any, earlier: Any) -> float:
    return float((later - earlier).total_seconds())
