"""The sender of customer batches: which clients it keeps, and when it renews them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imports.customers import job_type
from imports.customers.job_type import Clients
from imports.models import CustomerApi
from tests.jobs import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.dev.sandbox.customer_api import SandboxApi
    from tests.jobs import JobMaker


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    """No client is kept from another test."""
    kept = Clients()
    for module in (job_type, job_type):
        monkeypatch.setattr(module, "clients", kept)
    yield kept
    for _, client in kept._kept.values():
        client.close()


def test_a_client_is_kept_from_turn_to_turn(api: CustomerApi, clients: Clients) -> None:
    one, again = (CustomerApi.objects.get(pk=api.pk) for _ in range(2))
    assert clients.take(one, 5.0, 2) is clients.take(again, 5.0, 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [("secret", "other"), ("url", "http://127.0.0.1:9/x"), ("extra_headers", '{"A": "b"}')],
)
def test_a_client_is_made_anew_when_anything_about_the_api_changes(
    field: str, value: str, api: CustomerApi, clients: Clients
) -> None:
    before = clients.take(api, 5.0, 2)
    setattr(api, field, value)
    assert clients.take(api, 5.0, 2) is not before


def test_nothing_that_is_kept_about_a_client_shows_a_secret(
    api: CustomerApi, clients: Clients
) -> None:
    api.secret = "canary-1"
    clients.take(api, 5.0, 2)
    assert "canary" not in repr([fingerprint for fingerprint, _ in clients._kept.values()])


def test_after_a_pause_the_next_turn_does_not_meet_an_old_token(
    make_job: JobMaker, clients: Clients, sandbox: SandboxApi
) -> None:
    sandbox.order({"match": {"every": 1}, "fault": "http_401", "times": 1})
    job = run(make_job(3))
    assert job.status == "paused"
    assert clients._kept == {}
