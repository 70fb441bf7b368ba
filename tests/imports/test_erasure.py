"""A person is found by id or e-mail everywhere, and erased where that loses nothing."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models, transaction

from imports import retention
from imports.ledger import batches
from imports.ledger.batches import body_of
from imports.models import AssignedId, Attempt, ImportJob, ImportResult
from imports.policy import Verdict
from tests.decisions import exclude
from tests.imports.customers.test_drafts import wait_until_somebody_waits_for_a_lock
from tests.jobs import OK, REFUSED, answer, assert_totals_hold, at_once, keys, mixed, run, send

if TYPE_CHECKING:
    from tests.jobs import JobMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("both_ways")]
# Fields of texts and JSON that never quote a customer: names of ours, settings, codes, files.
QUOTE_NOBODY = {
    "AssignedId": {"value"},  # deleted with the names of its result
    "ImportBatch": {"submission"},  # the API's own name for a batch
    "AccessToken": {"failure", "fingerprint", "token"},
    "Channel": {"recipients", "secret"},
    "CustomerApi": {
        "ca_certificates", "client_certificate", "client_secret", "extra_headers", "mapping",
        "mapping_text", "secret",
    },
    "ImportFile": {"path"},
    "ImportJob": {"cut_through", "retry_directory"},
    "ImportResult": {"email", "key"},
    "Notification": {"job_totals"},
    "RateLimit": {"key"},
    "WatchedFolder": {"host_key", "secret"},
    "RetryFile": {"directory"},
    "CorrectedRow": {"form"},
    "MemberFile": {"document", "form", "source"},
    "RecordTemplate": {"document", "headings"},
}  # fmt: skip


def erased(person: str, *options: str) -> tuple[int, list[dict[str, Any]]]:
    out, code = io.StringIO(), 0
    try:
        call_command("erase_person", person, "--json", *options, stdout=out)
    except SystemExit as ended:
        code = int(str(ended.code))
    return code, json.loads(out.getvalue())["found"]


def test_a_persons_bytes_and_names_go_and_the_others_stay(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, OK)
    run(job)
    person = keys(job, "success")[1]
    batch = job.batches.get()
    before = body_of(batch.pk)
    other = ImportResult.objects.get(key=keys(job, "success")[2])

    erased(person)  # it only looks
    assert keys(job, "success")[1] == person
    code, found = erased(person.upper(), "--yes")
    assert code == 1  # the file that the operator named is hers: she deletes it
    assert [(each["what"], each["stays_because"]) for each in found] == [
        ("results", ""), ("files", "NOT_OURS"),
    ]  # fmt: skip
    batch.refresh_from_db()
    after = body_of(batch.pk)
    assert len(after) == len(before)
    assert person.encode() not in after
    assert batch.body_sha256 == hashlib.sha256(after).hexdigest()
    place = slice(other.body_start, other.body_start + other.body_length)
    assert after[place] == before[place]
    assert not ImportResult.objects.filter(key=person).exists()
    assert_totals_hold(job)
    assert job.events.filter(code="erased").count() == 1
    assert erased(person, "--yes")[1] == []


def test_two_who_are_erased_at_once_from_one_batch_are_both_gone(make_job: JobMaker) -> None:
    job = make_job(3)
    batch = job.batches.get()
    first, second, _other = job.results.order_by("pk")
    is_blank = threading.Event()

    def one() -> None:
        with transaction.atomic():
            batches.blank(batch.pk, first.body_start, first.body_length)
            is_blank.set()
            wait_until_somebody_waits_for_a_lock()

    def the_other() -> None:
        assert is_blank.wait(60)
        batches.blank(batch.pk, second.body_start, second.body_length)

    at_once(one, the_other)
    after = batches.bytes_of([first.pk, second.pk])
    assert {raw.strip() for raw in after.values()} == {b""}


def test_a_failure_that_nobody_decided_stays_and_says_so(make_job: JobMaker) -> None:
    job = make_job(3, max_attempts=1)
    answer(job, REFUSED)
    run(job)
    person = keys(job, "error")[0]
    code, found = erased(person, "--yes")
    assert code == 1
    assert {each["stays_because"] for each in found if each["what"] == "results"} == {"UNRESOLVED"}
    assert keys(job, "error")[0] == person


def test_what_is_being_sent_stays(make_job: JobMaker) -> None:
    job = make_job(3)
    send(job)
    person = keys(job, "pending")[0]
    code, found = erased(person, "--yes")
    assert (code, found[0]["stays_because"]) == (1, "UNDER_WAY")
    assert keys(job, "pending")[0] == person


def test_an_answer_that_names_the_person_is_scrubbed(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, OK)
    run(job)
    person, other = keys(job, "success")[:2]
    said = f'{{"customer": "{person}", "other": "{other}", "longer": "{person}0"}}'
    Attempt.objects.filter(job=job).update(answer=said, details={"named": [person, 7]})
    erased(person, "--yes")
    attempt = Attempt.objects.get(job=job)
    assert attempt.answer == said.replace(f'"{person}"', '"[erased]"')
    assert attempt.details == {"named": ["[erased]", 7]}


def test_a_retry_directory_that_holds_the_person_is_written_again(make_job: JobMaker) -> None:
    S, X = Verdict.SUCCESS, Verdict.REJECTED
    job = make_job(3, max_attempts=1)
    answer(job, mixed(S, X, X))
    run(job)
    first, second = keys(job, "error")
    only = ImportResult.objects.filter(key=first)
    exclude(job, only, reason="asked to be erased", actor="tester")
    old = Path(job.retry_directory)
    assert first in (old / "retry_batch_01_failed.json").read_text()
    found = erased(first, "--yes")[1]
    assert {each["what"]: each["stays_because"] for each in found} == {
        "results": "", "files": "NOT_OURS", "retry_directories": "",
    }  # fmt: skip
    assert not old.exists()
    run(job)
    text = (Path(job.retry_directory) / "retry_batch_01_failed.json").read_text()
    assert second in text
    assert first not in text


def test_every_text_of_the_ledger_is_searched_or_quotes_nobody() -> None:
    unnamed = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("imports").get_models()
        for field in model._meta.fields
        if isinstance(field, models.TextField | models.JSONField)
        and field.name not in retention.TEXTS.get(model.__name__, ())
        and field.name not in QUOTE_NOBODY.get(model.__name__, ())
    }
    assert unnamed == set()


def test_the_id_that_the_api_assigned_finds_the_person_and_goes_too(make_job: JobMaker) -> None:
    job = make_job(3)
    answer(job, OK)
    run(job)
    result = job.results.order_by("pk")[0]
    AssignedId.objects.create(result=result, value="crm-4711")
    erased("CRM-4711", "--yes")
    result.refresh_from_db()
    assert (result.key, result.email, result.status) == ("", "", "success")
    assert not AssignedId.objects.exists()


def test_nobody_is_no_person(make_job: JobMaker) -> None:
    with pytest.raises(ValueError, match="whose"):
        retention.find("  ")
    assert retention.find("nobody@example.test") == []
    assert ImportJob.objects.count() == 0


def test_the_page_finds_first_and_erases_when_asked(make_job: JobMaker) -> None:
    from tests.imports.admin.conftest import with_permissions

    job = make_job(3)
    answer(job, OK)
    run(job)
    person = keys(job, "success")[0]
    client = with_permissions("privacy", "erase_person")
    address = "/admin/imports/importresult/erase/"
    page = client.get(address, {"person": person})
    assert (page.context["can_erase"], page.context["is_done"]) == (True, False)
    assert ImportResult.objects.filter(key=person).exists()
    assert client.post(address, {"person": person}).context["is_done"]
    assert not ImportResult.objects.filter(key=person).exists()
    assert job.events.get(code="erased").actor == "privacy"
    assert with_permissions("viewer").get(address).status_code == 403
