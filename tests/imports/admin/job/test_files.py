"""The Files tab: adding, what is wrong with a file, removing, and what Start would do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.core.files.uploadedfile import SimpleUploadedFile

from config.dev.sandbox import samples
from tests.disks import full_disk
from tests.imports.admin.conftest import url

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from imports.models import ImportJob
    from tests.jobs import JobMaker


def upload(name: str, customers: int = 4, first: int = 500) -> SimpleUploadedFile:
    records = [samples.customer(first + n) for n in range(customers)]
    return SimpleUploadedFile(name, json.dumps({"data": records}).encode())


def test_files_are_checked_when_they_are_added(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft(3)
    page = operator.post(
        url(job, "files", "add"),
        {"files": [upload("a.json"), upload("b.json", 5, 600)]},
        follow=True,
    ).content.decode()
    assert "Added 2 files with 9 customers." in page
    assert list(job.files.values_list("name", "record_count", "status"))[1:] == [
        ("a.json", 4, "valid"),
        ("b.json", 5, "valid"),
    ]


def test_the_page_says_what_start_will_do(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft(7)
    page = operator.get(url(job, "files")).content.decode()
    assert "7 customers in 3 batches of up to 3, 4 at once" in page
    assert url(job, "progress", "start") in page


def test_htmx_gets_the_panel_and_the_message_in_it(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft(3)
    answer = operator.post(
        url(job, "files", "add"), {"files": [upload("a.json")]}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    page = answer.content.decode()
    assert page.lstrip().startswith('<div id="rd-files"')
    assert "Added 1 file with 4 customers." in page
    assert "<html" not in page


def test_a_file_that_cannot_be_read_is_kept_with_its_reason_and_bars_the_start(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft(3)
    broken = SimpleUploadedFile("broken.json", b'{"data": [{"a": 1},')
    page = operator.post(
        url(job, "files", "add"), {"files": [broken]}, follow=True
    ).content.decode()
    file = job.files.get(name="broken.json")
    assert file.status == "invalid"
    assert "1 cannot be imported" in page
    assert "broken.json" in str(file.message)
    assert str(file.message).split(":")[0] in page
    assert url(job, "progress", "start") not in page
    assert "Remove unreadable files" in page


def test_what_cannot_be_read_is_removed_at_once(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft(3)
    bad = [SimpleUploadedFile(f"bad_{n}.json", b"no json") for n in range(2)]
    operator.post(url(job, "files", "add"), {"files": bad})
    operator.post(url(job, "files", "remove"), {"file": "invalid"})
    assert [file.status for file in job.files.all()] == ["valid"]


def test_of_a_retry_directory_only_the_failed_customers_are_taken(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft(3)
    chosen = [
        upload("retry_batch_02_failed.json", 2, 700),
        upload("unconfirmed_batch_01.json", 2, 710),
        upload("retry_batch_01_failed.json", 2, 720),
        SimpleUploadedFile("retry_summary.json", b"{}"),
        SimpleUploadedFile("RETRY_INSTRUCTIONS.md", b"#"),
    ]
    operator.post(url(job, "files", "add"), {"files": chosen})
    names = list(job.files.order_by("pk").values_list("name", flat=True))[1:]
    assert names == ["retry_batch_01_failed.json", "retry_batch_02_failed.json"]


def test_a_directory_without_customer_files_says_so(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft(3)
    chosen = [SimpleUploadedFile("a.txt", b"x"), SimpleUploadedFile(".hidden.json", b"{}")]
    page = operator.post(url(job, "files", "add"), {"files": chosen}, follow=True).content.decode()
    assert "None of these is a customer file" in page
    assert job.files.count() == 1


def test_a_single_file_is_checked_whatever_its_name(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft(3)
    operator.post(url(job, "files", "add"), {"files": [upload("customers.txt")]})
    assert job.files.get(name="customers.txt").status == "valid"


def test_names_from_outside_are_shown_as_text(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft(3)
    operator.post(url(job, "files", "add"), {"files": [upload("<script>alert(1)</script>.json")]})
    page = operator.get(url(job, "files")).content.decode()
    assert "<script>alert" not in page


def test_a_file_of_another_job_is_not_removed(operator: Client, make_job: JobMaker) -> None:
    mine, other = make_job.draft(3), make_job.draft(3)
    file = other.files.get()
    assert operator.post(url(mine, "files", "remove"), {"file": file.pk}).status_code == 404
    assert operator.post(url(mine, "files", "remove"), {"file": "../x"}).status_code == 404
    assert other.files.count() == 1


def test_a_started_job_takes_no_files(
    operator: Client, failed_job: Callable[..., ImportJob]
) -> None:
    job = failed_job()
    page = operator.post(url(job, "files", "add"), {"files": [upload("a.json")]}, follow=True)
    assert "its files can no longer change" in page.content.decode()
    assert job.files.count() == 1
    assert 'type="file"' not in page.content.decode()


def test_a_draft_that_names_a_customer_twice_offers_to_leave_the_earlier_copy_out(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft(3)
    assert "Leave duplicates out" not in operator.get(url(job, "files")).content.decode()
    operator.post(url(job, "files", "add"), {"files": [upload("a.json"), upload("b.json", 5)]})
    assert operator.get(url(job, "files")).context["found"]["duplicates"] == 4
    for fields, chosen in (({"leave": "1"}, True), ({}, False)):
        panel = operator.post(url(job, "files", "copies"), fields, headers={"HX-Request": "true"})
        assert "Leave duplicates out" in panel.content.decode()
        job.refresh_from_db()
        assert job.leave_earlier_copies_out is chosen


def test_a_directory_that_cannot_be_kept_is_not_added_by_half(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.draft(3)
    small, large = upload("a.json", 1), upload("b.json", 40)
    with full_disk(4_000):
        operator.post(url(job, "files", "add"), {"files": [small, large]})
    assert job.files.count() == 1  # the one that it had before


def test_a_list_of_warnings_shows_as_many_as_it_says(operator: Client, make_job: JobMaker) -> None:
    job = make_job.draft(1)
    file = job.files.get()
    file.warnings = [{"code": "OWN_WORDS", "params": {"words": f"strange {n}"}} for n in range(70)]
    file.save()
    text = operator.get(url(job, "files")).content.decode()
    assert "70 warnings" in text
    assert "strange 69" in text
    file.warnings += [{"code": "OWN_WORDS", "params": {"words": f"more {n}"}} for n in range(30)]
    file.save()
    text = operator.get(url(job, "files")).content.decode()
    assert "The first 100 warnings" in text  # there may be more: no more are stored
    assert "more 29" in text
