"""Every page with a job of a million records, beside the same page with one of a thousand."""

from __future__ import annotations

import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from bills.portal_setup import sandbox_portal
from config.dev.sandbox.stories import sandbox_api
from imports.admin.job import actions
from tests import big_bills, big_jobs, pages
from tests.bench.results import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = "redrive_bench_pages"  # of its own: it is gone afterwards, with its million rows
SMALL = big_jobs.Size(batches=20, records=50, one_in=10)
LARGE = big_jobs.Size(batches=20_000, records=50, one_in=125, files=10)
CREDENTIALS = 100
ASKED = 3
STREAMED = ("details", "export_results", "export_attempts")


def run() -> Section:
    """The same pages twice: with the small job alone in the ledger, then with the large one."""
    section = Section("Pages with 1,000,000 results in the ledger, beside 1,000")
    with own_database():
        client = Client(SERVER_NAME="localhost")
        client.force_login(User.objects.create(username="anna", is_staff=True, is_superuser=True))
        bills = big_bills.ids(big_bills.make(sandbox_portal(), CREDENTIALS))
        small, _ = _times(client, SMALL, bills)
        large, streams = _times(client, LARGE, bills)
    for name in sorted(large, key=lambda name: -large[name]):
        ratio = large[name] / small[name]
        summary = f"{large[name] * 1000:.0f} ms, {small[name] * 1000:.0f} ms: {ratio:.1f} times"
        section.add(name.replace("_", " "), summary)
    for name, (first, whole) in streams.items():
        summary = f"first piece after {first * 1000:.0f} ms, all of it after {whole:.1f} s"
        section.add(f"{name.replace('_', ' ')}, streamed", summary)
    slowest, beside = max(large.values()), max(small.values())
    section.ratio("slowest page : slowest page beside 1,000", slowest / beside, at_most=3.0)
    return section


@contextmanager
def own_database() -> Iterator[None]:
    """Everything happens in a database that is made for it and thrown away."""
    ours = str(connection.settings_dict["NAME"])
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(ours, verbosity=0)


def _times(
    client: Client, size: big_jobs.Size, bills: dict[str, object]
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Seconds for each page of a job of that size, and of its streams."""
    job = big_jobs.make(sandbox_api(), size)
    with connection.cursor() as sql:
        sql.execute("VACUUM ANALYZE")
    more = {
        "cause": actions.causes(job)[0].key,
        "last_page": min(size.batches * size.records, 10_000) // 50,
    }
    ids = big_jobs.ids(job) | bills | more
    found = {name: _median(client, pages.at(path, ids)) for name, path in pages.EVERY.items()}
    return found, {
        name: _streamed(client, pages.at(pages.STREAMS[name], ids)) for name in STREAMED
    }


def _median(client: Client, address: str) -> float:
    """The median of several asks, after one that warms the caches."""
    return statistics.median([_seconds(client, address) for _ in range(ASKED + 1)][1:])


def _seconds(client: Client, address: str) -> float:
    started = time.perf_counter()
    answer = client.get(address)
    taken = time.perf_counter() - started
    if answer.status_code not in {200, 302}:
        raise ValueError(f"{address} answered {answer.status_code}: its time says nothing.")
    return taken


def _streamed(client: Client, address: str) -> tuple[float, float]:
    """Seconds to the first piece, and to the last; nothing is kept of what was read."""
    started, first = time.perf_counter(), 0.0
    for _piece in client.get(address):
        first = first or time.perf_counter() - started
    return first, time.perf_counter() - started
