"""What all tests share: real PostgreSQL and Redis, a sandbox on a real socket, jobs to order.

Tests never sleep for time to pass: `pass_time` moves due times, leases and rests back instead.
"""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Any

import django_rq
import pytest
from django.conf import settings as django_settings
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

import config.urls  # noqa: F401 - all pages are loaded, as in a web server
from config.dev import postgres, server_processes, servers
from config.dev.sandbox.customer_api import CUSTOMERS_PATH, SandboxApi
from config.dev.sandbox.http_server import running
from tests import emptying
from tests.side_by_side import TwoKinds, rank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from imports.models import CustomerApi
    from tests.jobs import JobMaker

HOME_OF_TESTS = server_processes.PROJECT / ".redrive" / "test"  # as in the Makefile: nobody else's
# What a power cut leaves of the tests' own database is nobody's loss.
IN_MEMORY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
LAST_REDIS_DATABASE = 15  # the tests' own, so that they empty nobody's queue

# Tests with `transaction=True` commit; this is how each leaves the database.
emptying.use()
# Else each client's first request looks for all static files; pages are asked for, never those.
django_settings.WHITENOISE_USE_FINDERS = False
# The same examples in every run, however busy the machine: what holds here holds everywhere.
hypothesis_settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("suite")

# What `make quick` leaves out: tests that start a browser, a worker, or servers of their own.
SLOW_PLACES = (
    "tests/browser/", "tests/faults/",
    "tests/config/dev/test_", "tests/config/dev/sandbox/test_command",
    "tests/config/test_manage", "tests/config/test_production", "tests/config/test_serving",
    "tests/config/test_installation", "tests/config/test_logs", "tests/config/test_routes",
    "tests/bills/browser/test_browser", "tests/bills/browser/test_folders",
    "tests/bills/browser/test_hostile_pages", "tests/bills/browser/test_ordinary_browser",
    "tests/bills/test_admin", "tests/bills/test_commands", "tests/bills/test_job_type",
    "tests/bills/test_killed_worker", "tests/bills/test_missing_bills", "tests/bills/test_monthly",
    "tests/bills/test_leaks", "tests/bills/test_rollout", "tests/bills/test_scenarios",
    "tests/test_secrets",
    # And those that need neither, but more time than all others together.
    "tests/fuzz/", "tests/test_queries", "tests/config/test_middleware",
    "tests/imports/customers/api/test_every_answer", "tests/imports/customers/test_quick_answers",
    "tests/imports/customers/files/test_quick_check", "tests/imports/ledger/test_state_machine",
    "tests/imports/customers/files/test_json_stream.py::test_memory",
    "tests/imports/http/test_redaction.py::test_half_a_million",
    "tests/config/accounts/test_throttling",
)  # fmt: skip
SLOW_FIXTURES = {"browser", "used_home", "new_home", "start"}


def is_slow(item: pytest.Item) -> bool:
    """Whether the test starts a browser or processes, by where it stands and what it asks for."""
    fixtures = SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.nodeid.startswith(SLOW_PLACES)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make quick` does not even read what it leaves out."""
    if "not slow" not in config.option.markexpr:
        return None
    place = collection_path.relative_to(config.rootpath).as_posix()
    return True if f"{place}/".startswith(SLOW_PLACES) else None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TwoKinds:
    return TwoKinds(config, log)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes that are no text by their argument: what is compressed or encrypted differs with
    the clock or by chance, and all processes of xdist must collect the same names.
    """
    if isinstance(val, bytes) and not (val.isascii() and val.decode().isprintable()):
        return argname
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests; begin with the longest files."""
    for item in items:
        if is_slow(item):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: rank(item.nodeid))


def pytest_collection_finish() -> None:
    """All modules are loaded, for good: no collection of garbage looks at them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The first test that needs the database finds the servers running, or starts them."""
    if server_processes.home() == HOME_OF_TESTS:
        postgres.SETTINGS.update(IN_MEMORY)
    servers.ensure_unnamed()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = f"{django_settings.REDIS_URL}?db={LAST_REDIS_DATABASE - int(worker)}"
    django_settings.RQ_QUEUES["default"]["URL"] = url


@pytest.fixture
def installation(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the test's own installation. Job runners end at once when nothing is due."""
    from imports.engine import runner

    settings.HOME = tmp_path / "home"  # no test meets what another one keeps there
    settings.RETRY_FILES_DIR = tmp_path / "retries"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.CREDENTIAL_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(runner, "LOOK_AGAIN_SECONDS", 0.05)  # it looks once more before it ends
    runner.stopping.clear()
    return tmp_path


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
def both_ways(request: pytest.FixtureRequest, settings: Any) -> None:
    """Records are stored plain, and then again encrypted."""
    settings.ENCRYPT_RECORDS = request.param


@pytest.fixture
def messages(db: None) -> Iterator[Any]:
    """The RQ queue, empty before and after the test."""
    queue = django_rq.get_queue("default")
    queue.connection.flushdb()
    yield queue
    queue.connection.flushdb()


@pytest.fixture
def sandbox() -> Iterator[SandboxApi]:
    """The fake customer API, on a real socket at `sandbox.url`."""
    api = SandboxApi(seed=1)
    with running(api) as url:
        api.url = url + CUSTOMERS_PATH  # type: ignore[attr-defined] # where a test finds it
        yield api


@pytest.fixture
def api(db: None, sandbox: SandboxApi, installation: Path) -> CustomerApi:
    """An API row that points at the sandbox: no delays, three attempts."""
    from imports.models import CustomerApi

    return CustomerApi.objects.create(
        name="sandbox",
        url=sandbox.url,  # type: ignore[attr-defined]
        secret="sandbox-token",
        batch_size=3,
        concurrency=4,
        delay_seconds=0.0,
        timeout_seconds=30.0,
        max_attempts=3,
        retry_delay_seconds=0.0,
    )


@pytest.fixture
def make_job(api: CustomerApi, messages: Any, installation: Path) -> JobMaker:
    """Make jobs of sample customers for `api`."""
    from tests.jobs import JobMaker

    return JobMaker(api, installation)


@pytest.fixture
def pass_time() -> Callable[[float], None]:
    """Let seconds pass: everything that is waited for comes that much nearer."""

    def passed(seconds: float) -> None:
        with connection.cursor() as sql:
            for table, columns in WAITED_FOR.items():
                changes = ", ".join(
                    f"{column} = {column} - make_interval(secs => %(seconds)s)"
                    for column in columns
                )
                sql.execute(f"UPDATE {table} SET {changes}", {"seconds": seconds})  # noqa: S608

    return passed


WAITED_FOR = {
    "imports_importjob": ("retry_files_due_at",),
    "imports_importbatch": (
        "next_attempt_at", "lease_until", "claimed_at", "sent_at", "ended_at",
    ),
    "imports_heartbeat": ("at",),
    "imports_notificationdelivery": ("next_attempt_at", "lease_until"),
    "imports_dryrun": ("alive_at",),
    "imports_importfile": ("alive_at",),
    "imports_ratelimit": ("paused_until", "next_slot_at", "not_now_since"),
    "imports_accesstoken": ("issued_at", "expires_at", "claimed_until"),
    "imports_attempt": ("claimed_at", "sent_at", "ended_at"),
}  # fmt: skip
