"""`/metrics`: the numbers of a ledger at work, and who may read them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from imports.engine import queue, runner, sweeper
from imports.ledger import claims, lifecycle, outcomes
from imports.ledger.outcomes import Finding
from imports.models import ImportBatch, ImportJob
from tests.jobs import BUSY, LEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.jobs import JobMaker

HOUR = timedelta(hours=1)
ALERTS = Path(__file__).resolve().parents[2] / "config" / "deploy" / "alerts.yaml"


def scraped(client: Client, **headers: str) -> dict[str, list[Any]]:
    """The samples by name."""
    answer = client.get("/metrics", headers=headers or None)
    assert answer.status_code == 200, answer.content
    families = text_string_to_metric_families(answer.content.decode())
    return {family.name: family.samples for family in families}


def value(samples: list[Any], **labels: str) -> float:
    """The sum of the samples with these labels."""
    found = [s.value for s in samples if labels.items() <= s.labels.items()]
    return float(sum(found))


@pytest.fixture
def job(make_job: JobMaker) -> ImportJob:
    """Read, with three batches due."""
    one = make_job.queued(9, concurrency=3)
    runner.read_input(one)
    return one


@pytest.mark.django_db
def test_what_is_due_in_flight_and_late_is_counted(
    client: Client, job: ImportJob, pass_time: Callable[[float], None]
) -> None:
    assert value(scraped(client)["redrive_batches_due"], destination="sandbox") == 3
    claim = claims.claim(job, "worker", 1, LEASE)
    pass_time(3600)
    ImportBatch.objects.filter(status="claimed").update(lease_until=timezone.now() + HOUR)
    found = scraped(client)
    assert value(found["redrive_batches_due"]) == 2
    assert value(found["redrive_batches_in_flight"], kind="customers") == 1
    assert 3590 < value(found["redrive_oldest_due_seconds"]) < 7200
    assert value(found["redrive_leases_expired"]) == 0
    ImportBatch.objects.filter(pk=claim.works[0].batch_id).update(lease_until="2020-01-01T00:00Z")
    assert value(scraped(client)["redrive_leases_expired"]) == 1


@pytest.mark.django_db
def test_attempts_are_counted_by_api_and_code(client: Client, job: ImportJob) -> None:
    work = claims.intend(claims.claim(job, "worker", 1, LEASE).works, LEASE)[0]
    outcomes.record(job, [Finding(work, BUSY)])
    runner.run(job)
    found = scraped(client)
    attempts = found["redrive_attempts_recent"]
    assert value(attempts, destination="sandbox", code="CONNECT_REFUSED") == 1
    assert value(attempts, verdict="success") == 3
    assert value(found["redrive_records_recent"], status="success") == 9
    assert value(found["redrive_jobs"], status="finished", kind="customers") == 1


@pytest.mark.django_db
def test_queue_workers_and_sweeper_are_seen(
    client: Client, job: ImportJob, messages: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        queue.enqueue(job.pk)
    sweeper.beat(sweeper.NAME)
    found = scraped(client)
    assert value(found["redrive_queue_length"]) == 1
    assert value(found["redrive_workers"]) == 0
    assert 0 <= value(found["redrive_queue_latency_seconds"]) < 600
    assert value(found["redrive_database_up"]) == value(found["redrive_redis_up"]) == 1
    assert found["redrive_sweeper_silent_seconds"]


@pytest.mark.django_db
def test_a_paused_job_is_not_due(client: Client, job: ImportJob) -> None:
    lifecycle.pause(job, "tester")
    assert value(scraped(client)["redrive_batches_due"]) == 0


@pytest.mark.django_db
def test_only_this_host_or_the_token_reads_them(client: Client, settings: Any) -> None:
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 403
    through_proxy = {"x-forwarded-for": "127.0.0.1"}
    assert client.get("/metrics", headers=through_proxy).status_code == 403
    settings.METRICS_TOKEN = "a long token"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer é"}).status_code == 403
    with_token = {"authorization": "Bearer a long token", **through_proxy}
    assert client.get("/metrics", headers=with_token, REMOTE_ADDR="192.0.2.1").status_code == 200


def test_without_redis_the_rest_is_still_there(
    client: Client, job: ImportJob, settings: Any
) -> None:
    real = settings.RQ_QUEUES["default"]["URL"]
    settings.RQ_QUEUES["default"]["URL"] = "redis://127.0.0.1:9/0"
    try:
        found = scraped(client)
    finally:
        settings.RQ_QUEUES["default"]["URL"] = real
    assert value(found["redrive_redis_up"]) == 0
    assert value(found["redrive_batches_due"]) == 3


@pytest.mark.django_db
def test_every_alert_asks_for_metrics_and_labels_that_exist(
    client: Client, job: ImportJob
) -> None:
    sweeper.beat(sweeper.NAME)
    runner.run(job)
    found = scraped(client)
    rules = [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]
    assert len(rules) > 5
    for rule in rules:
        names = set(re.findall(r"redrive_\w+", rule["expr"]))
        assert names
        assert names <= set(found), rule["alert"]
        assert rule["annotations"]["summary"]
    used = set(re.findall(r"(\w+)(?:=|!~|!=)\"", ALERTS.read_text())) - {"job"}
    assert used <= {label for samples in found.values() for s in samples for label in s.labels}
