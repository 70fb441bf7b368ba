"""Hosts with separate disks and one S3 server: one is killed in mid-run, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.dev.sandbox.customer_api import CUSTOMERS_PATH
from config.dev.sandbox.http_server import running
from config.dev.sandbox.portal import PortalSite
from tests.faults.hosts import Host
from tests.faults.installation import Job
from tests.storage_server import bucket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.dev.sandbox.customer_api import SandboxApi
    from tests.faults.installation import Installation

CUSTOMERS, ACCOUNTS = 32, 4
# On the web host: upload a file of sample customers, start the job, enqueue it.
IMPORT = """
from config.dev.sandbox.samples import write_files
from imports.customers import drafts
from imports.engine import queue
from imports.ledger import lifecycle
from imports.models import CustomerApi
api = CustomerApi.objects.create(name=given["url"], url=given["url"], secret="sandbox-token",
    delay_seconds=0, retry_delay_seconds=0.1, batch_size=2, concurrency=4, timeout_seconds=2.0)
job = drafts.new_draft(api, "from the web host")
for path in write_files(Path(given["folder"]), given["customers"], given["customers"], 5000):
    drafts.add_upload(job, SimpleUploadedFile(path.name, path.read_bytes()))
lifecycle.start(job)
queue.enqueue(job.pk)
print(job.pk)
"""
BILLS = """
import csv
from bills.drafts import new_draft
from bills.models import Portal
from imports.engine import queue
from imports.ledger import lifecycle
portal = Portal.objects.create(name=given["url"], login_url=given["url"] + "/portal/login",
    billing_url=given["url"] + "/portal/bills", recipe={"login": {"answer_seconds": 6.0}},
    max_attempts=3, retry_delay_seconds=0.1, attempt_timeout_seconds=90.0, concurrency=2)
path = Path(given["folder"]) / "credentials.csv"
rows = "".join(f"good{n}@example.test;hemligt\\n" for n in range(given["accounts"]))
path.write_text("email;password\\n" + rows)
job = new_draft(portal, path, path.name).job
lifecycle.start(job)
queue.enqueue(job.pk)
print(job.pk)
"""
# What the web host serves: each bill through its page, as an administrator.
OPEN_ALL = """
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from bills.models import Bill
User.objects.create_superuser("boss", password="x")
browser = Client(HTTP_HOST="localhost")
browser.force_login(User.objects.get(username="boss"))
found = []
for bill in Bill.objects.all():
    answer = browser.get(reverse("admin:bills_bill_pdf", args=[bill.pk]))
    content = b"".join(answer.streaming_content) if answer.status_code == 200 else b""
    found.append([answer.status_code, content[:5].decode(), len(content) == bill.size])
print(json.dumps(found))
"""
# A login's lease is more than a minute: its time is over now.
EXPIRE = """
UPDATE imports_importbatch SET lease_until = now() - interval '1 second'
WHERE job_id = %s AND worker LIKE %s AND status = 'sending' RETURNING id
"""
RETRY_FILES = """
from imports import job_types
from imports.customers import drafts
from imports.models import ImportJob, RetryFile
job = ImportJob.objects.get(pk=given["job"])
draft = drafts.load_retry_files(job)
names = [file.name for file in draft.files.all()]
print(json.dumps([job.retry_directory, names, [str(f.status) for f in draft.files.all()]]))
"""


@pytest.fixture
def storage_url() -> Iterator[str]:
    with bucket() as url:
        yield url


@pytest.fixture
def hosts(redrive: Installation, storage_url: str, tmp_path: Path) -> list[Host]:
    """A web host and two worker hosts. Their sweeper runs on the second."""
    return [Host(redrive, tmp_path / name, storage_url) for name in ("web", "one", "two")]


def test_a_host_that_is_killed_leaves_nothing_unsent_of_an_upload_that_only_the_web_host_got(
    redrive: Installation, hosts: list[Host], slow_api: SandboxApi, slow_url: str, tmp_path: Path
) -> None:
    web, one, two = hosts
    slow_api.order({"match": {"every": 3}, "fault": "result_error"})
    pk = web.run(
        IMPORT, url=slow_url + CUSTOMERS_PATH, folder=str(tmp_path / "in"), customers=CUSTOMERS
    )
    job = Job(redrive, pk)
    workers = [one.start("rqworker"), two.start("rqworker")]
    two.start("sweep")
    job.frozen_sender(workers).kill()
    job.wait_for_the_end()
    job.assert_nothing_lost_nothing_twice(slow_api, CUSTOMERS)
    where, names, statuses = web.run(RETRY_FILES, job=pk)
    assert where.startswith("storage:retry_files/retry_batches_")
    assert len(names) > 0
    assert set(statuses) == {"valid"}
    for host in hosts:
        assert not list((host.home / "media").rglob("*.json"))
        assert not list(host.home.rglob("retry_summary.json"))


def test_every_bill_opens_from_the_web_host_after_a_worker_host_was_killed(
    redrive: Installation, hosts: list[Host], tmp_path: Path
) -> None:
    web, one, two = hosts
    site = PortalSite()
    site.accounts.settings.lock_after = 0
    site.accounts.settings.drip_seconds = 0.002
    with running(site) as url:
        pk = web.run(BILLS, url=url, folder=str(tmp_path), accounts=ACCOUNTS)
        job = Job(redrive, pk)
        workers = [one.start("rqworker"), two.start("rqworker")]
        two.start("sweep")
        killed = job.frozen_sender(workers)
        killed.kill()
        redrive.rows(EXPIRE, pk, f"%:{killed.pid}")
        job.wait_for_the_end()
    assert job.summary() == {"success": ACCOUNTS}
    opened = web.run(OPEN_ALL)
    assert len(opened) >= ACCOUNTS
    assert {tuple(each) for each in opened} == {(200, "%PDF-", True)}
    for host in hosts:
        assert not list((host.home / "media").rglob("*.pdf"))
