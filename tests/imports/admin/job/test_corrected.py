"""A corrected retry file into the same import: looked at first, then sent whole or not at all."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.dev.sandbox import samples
from imports import job_types
from imports.customers import corrections
from imports.engine import runner
from imports.ledger.batches import bytes_of
from imports.ledger.totals import family_totals
from imports.models import ImportJob, ImportResult
from imports.policy import Verdict
from tests.decisions import exclude, retry
from tests.imports.admin.conftest import ended, url, with_permissions
from tests.jobs import LOST, OK, answer, assert_totals_hold, keys, mixed

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client
    from pytest_django.fixtures import Settings

    from tests.jobs import JobMaker

S, X = Verdict.SUCCESS, Verdict.REJECTED


@pytest.fixture
def job(make_job: JobMaker) -> ImportJob:
    """An ended job of six customers: two of the first three and one of the others failed."""
    made = make_job(6)
    answer(made, mixed(S, X, X), mixed(X, S, S))
    return ended(made)


def records(job: ImportJob, status: str = "error") -> list[dict[str, Any]]:
    """The job's customers of that status, decoded."""
    results = job.results.filter(status=status).order_by("pk")
    raws = bytes_of([each.pk for each in results])
    return [json.loads(raws[each.pk]) for each in results]


def corrected(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"person": record["person"] | {"firstName": "RIGHT"}}


def uploaded(client: Client, job: ImportJob, *found: Any, name: str = "fixed.json") -> str:
    """Upload a file of these records; the address of its preview."""
    content = json.dumps({"data": found}).encode()
    data = {"files": SimpleUploadedFile(name, content)}
    return client.post(url(job, "retry-files", "upload"), data).headers["Location"]


def agree(client: Client, address: str, **more: str) -> HttpResponse:
    """Send what the preview shows."""
    preview = client.get(address).context["preview"]
    of = parse_qs(urlsplit(address).query)["of"][0]
    data = {
        "of": of,
        "preview": preview.digest,
        "reason": "Misspelt in the export.",
    } | more
    return client.post(address, data)  # type: ignore[return-value] # what the client adds


def counts(client: Client, address: str) -> dict[str, int]:
    summary = client.get(address).context["preview"].counts
    return {str(row_outcome): count for row_outcome, count in summary.items() if count}


def kept() -> list[Path]:
    from django.conf import settings

    return list((Path(settings.MEDIA_ROOT) / corrections.FOLDER).glob("*"))


def test_changed_customers_go_out_as_new_versions_and_unchanged_ones_are_reported(
    operator: Client, job: ImportJob
) -> None:
    first, second, third = records(job)
    address = uploaded(operator, job, corrected(first), second, corrected(third))
    assert counts(operator, address) == {"sent": 2, "same": 1}
    agree(operator, address)
    new = ImportJob.objects.get(retry_of=job)
    assert keys(new, "pending") == [first["person"]["customerId"], third["person"]["customerId"]]
    assert [(each.number, each.size) for each in new.batches.order_by("number")] == [
        (1, 1),
        (2, 1),
    ]
    assert (new.reason, new.status) == ("Misspelt in the export.", "queued")
    runner.read_input(new)
    answer(new, OK, OK)
    assert_totals_hold(new)
    assert (family_totals(job).success, family_totals(job).error) == (5, 1)


def test_nothing_is_stored_before_somebody_agrees(operator: Client, job: ImportJob) -> None:
    address = uploaded(operator, job, *map(corrected, records(job)))
    page = operator.get(address).content.decode()
    assert "Nothing has been sent or stored yet." in page
    assert "<mark>RIGHT</mark>" in page
    assert not ImportJob.objects.filter(retry_of=job).exists()
    assert len(kept()) == 1
    agree(operator, address)
    assert kept() == []


def test_who_corrected_what_is_in_the_records_history(operator: Client, job: ImportJob) -> None:
    (first, *_) = records(job)
    agree(operator, uploaded(operator, job, corrected(first)))
    result = ImportResult.objects.get(retry_of__isnull=False)
    page = operator.get(f"/admin/imports/importresult/{result.pk}/change/").content.decode()
    assert "was corrected by anna" in page
    assert "Misspelt in the export." in page


@pytest.mark.parametrize("obstacle", ["stranger", "twice", "unsendable"])
def test_one_record_that_does_not_belong_there_keeps_all_from_being_sent(
    operator: Client, job: ImportJob, obstacle: str
) -> None:
    first, second, _ = records(job)
    bad = {
        "stranger": corrected(samples.customer(4711)),
        "twice": corrected(first),
        "unsendable": corrected(second) | {"changeType": "MAKE"},
    }[obstacle]
    address = uploaded(operator, job, corrected(first), bad)
    assert counts(operator, address) == {"sent": 1, obstacle: 1}
    page = operator.get(address).content.decode()
    assert "record 2" in page
    assert "Blocks sending" in page
    assert "Misspelt" not in page
    assert agree(operator, address).status_code == 409
    assert not ImportJob.objects.filter(retry_of=job).exists()


def test_records_imported_meanwhile_are_left_out_without_force(
    operator: Client, job: ImportJob
) -> None:
    first, second, third = map(corrected, records(job))
    again = retry(job, only=job.results.filter(key=first["person"]["customerId"])).job
    runner.read_input(again)
    answer(again, OK)
    address = uploaded(operator, job, first, second, third)
    assert counts(operator, address) == {"imported": 1, "sent": 2}
    agree(operator, address)
    assert ImportJob.objects.latest("pk").results.count() == 2
    address = uploaded(operator, job, first)
    agree(operator, address, force="1")
    newest = ImportJob.objects.latest("pk")
    assert (newest.force, newest.results.count()) == (True, 1)


def test_the_other_records_are_listed_by_outcome(operator: Client, make_job: JobMaker) -> None:
    job = make_job(12)
    answer(job, OK, LOST, mixed(X, X, X), mixed(X, S, S))
    ended(job)
    refused = job.results.filter(status="error", batch__number=3).order_by("pk")
    left_out, on_its_way, waits = refused
    exclude(job, job.results.filter(pk=left_out.pk), reason="moved", actor="eva")
    retry(job, only=job.results.filter(pk=on_its_way.pk))
    raws = bytes_of(list(job.results.values_list("pk", flat=True)))
    of_each = [
        job.results.filter(status="success").order_by("pk")[0],
        job.results.filter(status="unknown").order_by("pk")[0],
        left_out,
        on_its_way,
        waits,
    ]
    found = [corrected(json.loads(raws[each.pk])) for each in of_each]
    address = uploaded(operator, job, *found)
    assert counts(operator, address) == {
        "imported": 1, "unknown": 1, "left_out": 1, "on_its_way": 1, "sent": 1,
    }  # fmt: skip


def test_a_record_that_failed_twice_in_one_file_is_matched_twice(
    operator: Client, make_job: JobMaker
) -> None:
    customer = samples.customer(1)
    job = make_job.of(customer, customer)
    answer(job, mixed(X), mixed(X))  # copies never share a batch
    ended(job)
    address = uploaded(operator, job, corrected(customer), customer)
    assert counts(operator, address) == {"sent": 1, "same": 1}


def test_if_the_import_has_gone_on_nothing_is_sent_and_the_page_says_so(
    operator: Client, job: ImportJob
) -> None:
    found = list(map(corrected, records(job)))
    address = uploaded(operator, job, *found)
    digest = operator.get(address).context["preview"].digest
    retry(job, only=job.results.filter(key=found[0]["person"]["customerId"]))
    page = agree(operator, address, preview=digest)
    assert page.status_code == 409
    assert "Something changed after you opened" in page.content.decode()
    assert ImportJob.objects.filter(retry_of=job).count() == 1
    agree(operator, address)
    assert ImportJob.objects.latest("pk").results.count() == 2


def test_a_reason_is_needed(operator: Client, job: ImportJob) -> None:
    page = agree(operator, uploaded(operator, job, corrected(records(job)[0])), reason=" ")
    assert page.status_code == 422
    assert "Describe what was wrong" in page.content.decode()


def test_several_files_are_one_correction(operator: Client, job: ImportJob) -> None:
    found = [json.dumps([corrected(each)]).encode() for each in records(job)]
    files = [SimpleUploadedFile(f"{n}.json", each) for n, each in enumerate(found)]
    sent = operator.post(url(job, "retry-files", "upload"), {"files": files})
    agree(operator, sent.headers["Location"])
    assert ImportJob.objects.get(retry_of=job).results.count() == 3


@pytest.mark.parametrize("content", [b"", b"no JSON", b'{"data": [1,]}', b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused_with_its_reason_and_not_kept(
    operator: Client, job: ImportJob, content: bytes
) -> None:
    data = {"files": SimpleUploadedFile("odd.json", content)}
    page = operator.post(url(job, "retry-files", "upload"), data, follow=True)
    assert page.redirect_chain[-1][0] == url(job, "retry-files")
    assert "odd.json" in page.content.decode()
    assert kept() == []


def test_more_than_are_read_while_somebody_waits_are_an_import_of_their_own(
    operator: Client, job: ImportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "MOST_RECORDS", 2)
    address = uploaded(operator, job, *records(job))
    page = operator.get(address, follow=True).content.decode()
    assert "Load the files into a new import instead" in page


def test_only_what_this_job_has_been_given_can_be_named(
    operator: Client, job: ImportJob, make_job: JobMaker
) -> None:
    other = make_job(1)
    answer(other, OK)
    ended(other)
    address = uploaded(operator, job, corrected(records(job)[0]))
    token = parse_qs(urlsplit(address).query)["of"][0]
    for where, of in (
        (other, token),
        (job, token[:-1] + "x"),
        (job, "../../etc/passwd"),
        (job, ""),
    ):
        page = operator.get(url(where, "retry-files", "corrected"), {"of": of}, follow=True)
        assert "Upload it again" in page.content.decode()


def test_a_file_that_nobody_confirms_is_gone_after_an_hour(
    operator: Client, job: ImportJob
) -> None:
    address = uploaded(operator, job, corrected(records(job)[0]))
    job_types.get("customers").tidy()
    assert len(kept()) == 1
    long_ago = time.time() - corrections.KEPT_SECONDS - 1
    os.utime(kept()[0], (long_ago, long_ago))
    job_types.get("customers").tidy()
    assert kept() == []
    assert "Upload it again" in operator.get(address, follow=True).content.decode()


def test_only_those_who_may_retry_can_upload(job: ImportJob) -> None:
    viewer = with_permissions("viewer")
    assert "Upload corrected file" not in viewer.get(url(job, "retry-files")).content.decode()
    for act in ("upload", "corrected"):
        assert viewer.post(url(job, "retry-files", act)).status_code == 403
    assert viewer.get(url(job, "retry-files", "corrected")).status_code == 403


def test_a_job_that_has_not_ended_takes_no_corrections(
    operator: Client, make_job: JobMaker, settings: Settings
) -> None:
    job = make_job(3)
    tab = url(job, "retry-files")
    assert "Upload corrected file" not in operator.get(tab).content.decode()
    page = operator.post(url(job, "retry-files", "upload"), follow=True)
    assert "that have ended" in page.content.decode()


def test_the_plan_asks_the_ledger_a_few_times_for_a_thousand_records(
    make_job: JobMaker, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    job = make_job(60, batch_size=60)
    answer(job, mixed(*[X] * 60))
    path = tmp_path / "fixed.json"
    path.write_text(json.dumps([corrected(each) for each in records(job)]))
    from imports.customers.api.setup import checks_of

    checks = checks_of(make_job.api)
    with django_assert_max_num_queries(4):
        preview = corrections.preview(
            corrections.entries(job, [corrections.Upload(path, "fixed.json")], checks)
        )
    assert preview.counts.total() == 60


def test_records_with_a_newer_version_from_a_later_job_need_force(
    operator: Client, job: ImportJob, make_job: JobMaker
) -> None:
    first, second, _third = records(job)
    newer = make_job.of(first)
    answer(newer, OK)
    address = uploaded(operator, job, corrected(first), corrected(second))
    assert counts(operator, address) == {"later": 1, "sent": 1}
    agree(operator, address)
    sent = ImportJob.objects.get(retry_of=job)
    assert sent.results.get().key == second["person"]["customerId"]
    address = uploaded(operator, job, corrected(first))
    agree(operator, address, force="1")
    forced = ImportJob.objects.filter(retry_of=job).latest("pk")
    assert forced.results.get().key == first["person"]["customerId"]
