"""What processes say: lines as JSON, and errors at Sentry, each without anybody's data."""

from __future__ import annotations

import gzip
import io
import json
import logging
import logging.config
import threading
from typing import TYPE_CHECKING, Any

import pytest

from config import logs
from config.dev.sandbox.http_server import Reply, running
from imports.engine import runner
from tests.config.commands import run_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.dev.sandbox.http_server import Request
    from tests.jobs import JobMaker


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged meanwhile, as JSON."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    formatter: Any = logging.config.DictConfigurator({"version": 1}).configure_formatter(
        dict(logs.FORMATTERS["json"])
    )
    handler.setFormatter(formatter)
    logger = logging.getLogger("imports.attempts")
    level = logger.level
    logger.setLevel("INFO")
    logger.addHandler(handler)
    yield said
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.mark.django_db
def test_each_attempt_has_a_line_with_its_job_batch_and_number(
    make_job: JobMaker, lines: io.StringIO
) -> None:
    job = make_job.queued(6)
    runner.read_input(job)
    runner.run(job)
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {line["job"] for line in found} == {job.pk}
    assert {line["batch"] for line in found} == set(job.batches.values_list("pk", flat=True))
    assert {(line["attempt"], line["verdict"], line["level"]) for line in found} == {
        (1, "success", "INFO")
    }
    assert all("timestamp" in line and line["logger"] == "imports.attempts" for line in found)


def test_a_process_logs_json_and_an_unknown_format_is_refused(tmp_path: Path) -> None:
    say = "import django, logging; django.setup(); logging.getLogger('a').warning('é %s', 1)"
    here = {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = run_python(tmp_path, "-c", say, LOG_FORMAT="json", **here)
    line = json.loads(done.stderr.splitlines()[-1])
    assert (line["message"], line["level"], line["logger"]) == ("é 1", "WARNING", "a")
    checked = run_python(tmp_path, "manage.py", "check", LOG_FORMAT="xml")
    assert "redrive.E001" in checked.stderr


class Sentry:
    """Keeps what it is sent."""

    prefix = ""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.arrived = threading.Event()

    def handle(self, request: Request) -> Reply:
        is_packed = request.headers.get("content-encoding") == "gzip"
        self.received.append(gzip.decompress(request.body) if is_packed else request.body)
        self.arrived.set()
        return Reply(200, b"{}")


FAIL = """
import logging, django
django.setup()
import sentry_sdk
password = "local-secret"
try:
    raise ValueError("text-secret of a customer")
except ValueError:
    logging.getLogger("imports").exception("job %s: %s", 7, "argument-secret", extra={"job": 7})
sentry_sdk.flush(30)
"""


def test_an_error_arrives_at_sentry_without_what_it_was_about(tmp_path: Path) -> None:
    sentry = Sentry()
    with running(sentry) as url:
        done = run_python(
            tmp_path, "-c", FAIL, DJANGO_SETTINGS_MODULE="config.settings",
            SENTRY_DSN=url.replace("http://", "http://key@") + "/1",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert sentry.arrived.wait(60)
    said = b"".join(sentry.received)
    event = next(json.loads(line) for line in said.splitlines() if b'"exception"' in line)
    assert event["exception"]["values"][0]["type"] == "ValueError"
    assert event["tags"]["job"] == 7
    assert event["logentry"]["message"] == "job %s: %s"
    assert b"secret" not in said
