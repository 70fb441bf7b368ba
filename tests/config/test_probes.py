"""The two addresses for whoever watches the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django_rq
import pytest
from django.test import Client
from redis.exceptions import ConnectionError as RedisDown

from imports.engine import sweeper

if TYPE_CHECKING:
    from collections.abc import Callable


def test_alive_is_said_to_anybody() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_when_database_and_redis_answer() -> None:
    answered = Client().get("/readyz")
    assert (answered.status_code, answered.json()["status"]) == (200, "ok")


@pytest.mark.django_db
def test_a_late_sweeper_is_reported_and_the_pages_stay_in_service(
    messages: object, pass_time: Callable[[float], None]
) -> None:
    sweeper.sweep()
    assert Client().get("/readyz").json()["sweeper"] == "ok"
    pass_time(100)
    answered = Client().get("/readyz")
    assert (answered.status_code, answered.json()["sweeper"]) == (200, "late")


@pytest.mark.django_db
def test_not_ready_says_which_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: object) -> None:
        raise RedisDown

    monkeypatch.setattr(django_rq, "get_connection", down)
    answered = Client().get("/readyz")
    assert answered.status_code == 503
    assert answered.json() == {
        "status": "not ready",
        "database": "ok",
        "redis": "does not answer",
        "sweeper": "late",
    }
