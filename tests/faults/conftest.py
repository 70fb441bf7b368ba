"""One installation for all fault tests; what a test started in it ends with the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.dev.sandbox.customer_api import SandboxApi
from config.dev.sandbox.http_server import running
from tests.faults.installation import Installation, installed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    yield from installed(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def redrive(shared_installation: Installation) -> Iterator[Installation]:
    """The installation: nothing of it runs yet but its servers."""
    yield shared_installation
    shared_installation.end_all()


@pytest.fixture
def slow_api() -> SandboxApi:
    """Stores at once, and answers after a third of a second: many are in flight at any moment."""
    api = SandboxApi(seed=1)
    api.order({"match": {"every": 1}, "fault": "slow_after_effect", "seconds": 0.3})
    return api


@pytest.fixture
def slow_url(slow_api: SandboxApi) -> Iterator[str]:
    with running(slow_api) as url:
        yield url
