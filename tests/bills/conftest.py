"""The sandbox portal on a real socket, and jobs of credentials to order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from config.dev.sandbox.http_server import running
from config.dev.sandbox.portal import PortalSite
from tests.bills.runs import BillMaker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django.fixtures import Settings

    from bills.models import Portal

ANSWER_SECONDS = 6.0  # how long a page that nobody described is waited for


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[PortalSite]:
    """The fake portal; `site.url` is where it answers."""
    site = PortalSite()
    site.accounts.settings.drip_seconds = 0.0005
    site.accounts.settings.lock_after = 0
    with running(site) as url:
        site.url = url  # type: ignore[attr-defined]
        yield site


@pytest.fixture
def portal(db: None, site: PortalSite, installation: Path, settings: Settings) -> Portal:
    """A portal row that points at the sandbox: three attempts, no waiting, four at once."""
    from bills.models import Portal

    settings.TURN_SECONDS = 600.0
    url = site.url  # type: ignore[attr-defined]
    return Portal.objects.create(
        name="sandbox",
        login_url=f"{url}/portal/login",
        billing_url=f"{url}/portal/bills",
        recipe={"login": {"answer_seconds": ANSWER_SECONDS}},
        max_attempts=3,
        retry_delay_seconds=0.0,
        attempt_timeout_seconds=90.0,
        concurrency=4,
        code_wait_seconds=0,
    )


@pytest.fixture
def make_bills(portal: Portal, messages: Any, installation: Path) -> BillMaker:
    """Make jobs of credentials for `portal`."""
    return BillMaker(portal, installation)
