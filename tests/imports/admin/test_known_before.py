"""What an API has already, said on the pages before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.uploadedfile import SimpleUploadedFile

from config.dev.sandbox import samples
from imports.customers import drafts, retry_files
from imports.engine import runner
from imports.ledger import lifecycle
from imports.models import BulkAction, CustomerApi, ImportJob
from imports.policy import Verdict
from tests.imports.admin.conftest import ended, url
from tests.jobs import LOST, OK, REFUSED, answer, mixed

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

    from tests.jobs import JobMaker

ASKED = {"HX-Request": "true"}
X = Verdict.REJECTED


def overtaken(make_job: JobMaker) -> tuple[ImportJob, ImportJob]:
    """A job of which two failed, and a later one that imported the first of them."""
    job = make_job.of(samples.customer(1), samples.customer(2))
    answer(job, mixed(X, X))
    newer = make_job.of(samples.customer(1))
    answer(newer, OK)
    return ended(job), ended(newer)


def test_the_question_before_a_retry_says_what_was_imported_later(
    operator: Client, make_job: JobMaker
) -> None:
    job, newer = overtaken(make_job)
    address = url(job, "failures", "retry")
    text = operator.get(address, {"which": "all"}, headers=ASKED).content.decode()
    assert "Retry 1 customer?" in text
    assert f"in job {newer.pk}" in text
    assert 'name="force"' in text
    asked = operator.post(address, {"which": "all"})  # the button beside the title asks, too
    assert f"in job {newer.pk}" in asked.content.decode()
    assert not BulkAction.objects.exists()
    fields = dict(asked.context["fields"])
    shown = operator.post(address, fields, follow=True).content.decode()
    assert f"in job {newer.pk}" in shown
    assert ImportJob.objects.get(retry_of=job).results.get().key == samples.customer_id(2)


def test_whoever_ticks_the_box_sends_the_older_version_all_the_same(
    operator: Client, make_job: JobMaker
) -> None:
    job, _newer = overtaken(make_job)
    operator.post(url(job, "failures", "retry"), {"which": "all", "force": "1"})
    bulk_action = BulkAction.objects.get()
    assert (bulk_action.force, bulk_action.taken, bulk_action.imported_later) == (True, 2, [])


def test_a_draft_of_the_same_file_says_so_beside_start(
    operator: Client, make_job: JobMaker
) -> None:
    paths = make_job.files(3)
    first = drafts.new_draft(make_job.api, "first")
    drafts.add_path(first, paths[0])
    lifecycle.start(first)
    runner.read_input(first)
    answer(first, OK)
    again = drafts.new_draft(make_job.api, "again")
    drafts.add_path(again, paths[0])
    for tab in ("files", "settings"):
        page = operator.get(url(again, tab))
        assert [f"job {first.pk}" in each for each in page.context["known_before"]] == [True, True]
        assert page.context["known_before"][0] in page.content.decode().replace("&#x27;", "'")
    assert 'name="force"' in operator.get(url(again, "settings")).content.decode()


def test_choosing_another_api_for_retry_files_says_that_they_still_count_as_failed(
    operator: Client, make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    ended(job)
    assert retry_files.write(job, tmp_path / "out")
    draft = drafts.load_retry_files(job)
    other = CustomerApi.objects.create(name="the other", url=make_job.api.url, preset="gk")
    form = operator.get(url(draft, "settings")).context["form"]
    data = {name: form.initial[name] for name in form.fields if form.initial[name] is not False}
    operator.post(url(draft, "settings", "save"), data | {"api": other.pk})
    draft.refresh_from_db()
    assert (draft.api, draft.retry_of) == (other, None)
    (said,) = operator.get(url(draft, "files")).context["known_before"]
    assert f"“{make_job.api.name}”" in said
    assert "“the other”" in said


def test_a_retry_that_is_cut_goes_to_the_api_where_its_records_failed(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    ended(job)
    operator.post(url(job, "failures", "retry"), {"which": "all", "start": "later"})
    draft = ImportJob.objects.get(retry_of=job)
    assert "api" not in operator.get(url(draft, "settings")).context["form"].fields


def test_fixing_a_customer_warns_about_the_newer_version_it_would_replace(
    operator: Client, make_job: JobMaker
) -> None:
    job, newer = overtaken(make_job)
    pages = {
        key: operator.get(f"/admin/imports/importresult/{pk}/fix/")
        for pk, key in job.results.values_list("pk", "key")
    }
    assert pages[samples.customer_id(1)].context["later"].job == newer.pk
    assert url(newer, "progress") in pages[samples.customer_id(1)].content.decode()
    assert pages[samples.customer_id(2)].context["later"] is None


def test_the_question_about_unknown_records_says_which_have_a_newer_version(
    operator: Client, make_job: JobMaker
) -> None:
    job = make_job.of(samples.customer(1), samples.customer(2))
    answer(job, LOST)
    newer = make_job.of(samples.customer(1))
    answer(newer, OK)
    ended(job)
    address = url(job, "failures", "decide")
    text = operator.get(address, {"which": "all"}, headers=ASKED).content.decode()
    assert f"in job {newer.pk}" in text
    data = {"which": "all", "decision": "send-again", "reason": "looked up"}
    operator.post(address, data)
    assert ImportJob.objects.get(retry_of=job).results.get().key == samples.customer_id(2)
    operator.post(address, data | {"force": "1"})
    assert BulkAction.objects.latest("pk").taken == 1


def test_an_edited_retry_file_that_is_uploaded_is_recognised_by_its_records(
    operator: Client, make_job: JobMaker, tmp_path: Path
) -> None:
    job = make_job(3)
    answer(job, REFUSED)
    ended(job)
    directory = retry_files.write(job, tmp_path / "out")
    assert directory is not None
    (path,) = directory.glob("retry_batch_*.json")
    edited = b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n").replace(b"EMMA", b"EMMY")
    draft = drafts.new_draft(make_job.api, "again")
    data = {"files": SimpleUploadedFile(path.name, edited)}
    text = operator.post(url(draft, "files", "add"), data, follow=True).content.decode()
    draft.refresh_from_db()
    assert draft.retry_of == job
    (said,) = operator.get(url(draft, "files")).context["known_before"]
    assert f"job {job.pk}" in said
    assert said in text
