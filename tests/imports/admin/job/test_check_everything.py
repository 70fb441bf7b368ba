""" "Check everything" on the Files tab: what Start would come to, and nothing is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.dev.sandbox.samples import customer
from imports.customers import drafts, dry_run
from imports.engine import queue
from imports.models import DryRun, ImportBatch, ImportJob
from tests.imports.admin.conftest import url, with_permissions
from tests.jobs import OK, answer

if TYPE_CHECKING:
    from django.test import Client

    from tests.jobs import JobMaker

HTMX = {"HX-Request": "true"}


@pytest.fixture
def mixed(make_job: JobMaker) -> ImportJob:
    """A draft of two files: one record is no customer, one is named twice."""
    job = drafts.new_draft(make_job.api, "mixed", "anna")
    for name, records in (("a.json", [customer(0), 7]), ("b.json", [customer(0), customer(1)])):
        path = make_job.folder / name
        path.write_text(json.dumps({"data": records}))
        drafts.add_path(job, path)
    return job


def press(client: Client, job: ImportJob) -> str:
    answer = client.post(url(job, "files", "check"), headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_verdict_is_a_summary_the_reasons_and_what_to_do(
    operator: Client, mixed: ImportJob
) -> None:
    part = press(operator, mixed)
    assert part.lstrip().startswith('<div id="rd-dry-run"')
    summary = "4 customers in 2 files: 3 would be sent in 2 batches, 1 would be left out"
    assert summary in part
    assert "Batches of up to 3, to “sandbox”. Nothing was sent." in part
    assert "a.json, record 2: it is a number, not an object" in part
    assert "b.json, record 1: the customer “50000001000” is also record 1 of a.json" in part
    assert "Start sends the others and keeps these, each with its reason" in part
    assert "Check again" in part
    mixed.refresh_from_db()
    assert (mixed.status, ImportBatch.objects.count()) == ("draft", 0)
    assert summary in operator.get(url(mixed, "files")).content.decode()


def test_without_a_script_the_files_tab_shows_it(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft(7)
    page = operator.post(url(job, "files", "check"), follow=True).content.decode()
    assert "7 customers in 1 file: all would be sent, in 3 batches" in page
    assert "What was found" not in page


def test_customers_of_an_earlier_job_are_reported_with_a_link_to_it(
    operator: Client, make_job: JobMaker
) -> None:
    earlier = make_job.of(customer(0))
    answer(earlier, OK)
    job = make_job.draft(3)
    part = press(operator, job)
    assert "Imported before" in part
    assert url(earlier, "progress") in part


def test_findings_of_a_dry_run_are_not_shown_once_the_draft_has_changed(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft(3)
    press(operator, job)
    for path in make_job.files(2):
        drafts.add_path(job, path)
    page = operator.get(url(job, "files")).content.decode()
    assert "The draft has changed since everything was checked" in page
    assert "all would be sent" not in page


def test_a_large_draft_is_checked_in_the_background_and_the_page_follows(
    operator: Client, make_job: JobMaker, messages: Any, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    monkeypatch.setattr(dry_run, "AT_ONCE_BYTES", 10)
    job = make_job.draft(3)
    with django_capture_on_commit_callbacks(execute=True):
        part = press(operator, job)
    assert "Checking everything" in part
    assert f'hx-get="{url(job, "files", "checked")}"' in part
    assert "No worker is running" in part
    assert url(job, "files", "check") + '"' not in part  # it cannot be asked for twice
    assert queue.enqueued_jobs() == {job.pk}
    queue.run_job(job.pk)
    part = operator.get(url(job, "files", "checked"), headers=HTMX).content.decode()
    assert "3 customers in 1 file: all would be sent, in 1 batch" in part
    assert "hx-trigger" not in part


def test_a_message_stands_once_in_a_panel_that_was_swapped_in(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft(3)
    upload = SimpleUploadedFile("more.json", json.dumps({"data": [customer(9)]}).encode())
    answer = operator.post(url(job, "files", "add"), {"files": [upload]}, headers=HTMX)
    assert answer.content.decode().count("Added 1 file with 1 customer.") == 1


def test_a_job_that_was_started_has_nothing_to_check(operator: Client, make_job: JobMaker) -> None:
    job = make_job.queued(3)
    assert "This job has started, so there is nothing left to check." in press(operator, job)
    assert not DryRun.objects.exists()
    assert "Check everything" not in operator.get(url(job, "files")).content.decode()


def test_a_draft_with_a_file_that_cannot_be_read_has_no_button(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft(3)
    assert "Check everything" in operator.get(url(job, "files")).content.decode()
    broken = make_job.folder / "broken.json"
    broken.write_text("no json")
    drafts.add_path(job, broken)
    assert "Check everything" not in operator.get(url(job, "files")).content.decode()


def test_a_viewer_sees_what_was_found_and_cannot_ask(
    operator: Client, viewer: Client, mixed: ImportJob
) -> None:
    press(operator, mixed)
    page = viewer.get(url(mixed, "files")).content.decode()
    assert "1 would be left out" in page
    assert url(mixed, "files", "check") + '"' not in page
    assert viewer.post(url(mixed, "files", "check")).status_code == 403
    assert viewer.get(url(mixed, "files", "checked")).status_code == 200
    changer = with_permissions("eva", "change_importjob")
    assert changer.post(url(mixed, "files", "check"), headers=HTMX).status_code == 200


def test_names_from_outside_are_shown_as_text(operator: Client, make_job: JobMaker) -> None:
    job = drafts.new_draft(make_job.api, "odd", "anna")
    path = make_job.folder / "odd.json"
    path.write_text(json.dumps({"data": [7]}))
    drafts.add_path(job, path, "<script>alert(1)</script>.json")
    part = press(operator, job)
    assert "1 customer in 1 file: none would be sent" in part
    assert "<script>alert" not in part


def test_the_page_asks_as_much_for_many_files_and_faults_as_for_few(
    operator: Client, make_job: JobMaker
) -> None:
    counts = []
    for number in (1, 12):
        job = drafts.new_draft(make_job.api, f"{number} files", "anna")
        for each in range(number):
            path = make_job.folder / f"{number}_{each}.json"
            path.write_text(json.dumps({"data": [customer(0), *[7] * number]}))
            drafts.add_path(job, path)
        press(operator, job)
        with CaptureQueriesContext(connection) as asked:
            operator.get(url(job, "files"))
        counts.append(len(asked))
    assert counts[0] == counts[1]
