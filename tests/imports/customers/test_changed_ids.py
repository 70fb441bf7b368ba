"""Corrected files where the id itself was corrected: an address, for many at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from config.dev.sandbox import samples
from imports.customers import retry_files
from imports.customers.api.setup import checks_of
from imports.customers.corrections import (
    Entry,
    RowOutcome,
    Upload,
    entries,
    new_batches,
    preview,
    versions,
)
from imports.customers.files.reader import customer_files
from imports.engine import runner
from imports.ledger import lifecycle
from imports.ledger import retries as ledger
from imports.ledger.totals import family_totals
from imports.policy import Verdict
from tests.jobs import OK, answer, keys, mixed

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

    from imports.models import ImportJob
    from tests.jobs import JobMaker

S, X = Verdict.SUCCESS, Verdict.REJECTED
NAMES = ("Anna Ek", "Bo Alm", "Cia Lund", "Dan Berg", "Eva Ros", "Finn Ask")
STREETS = ("Storgatan 1", "Lillgatan 2", "Nygatan 3", "Norra vägen 4", "Kajen 5", "Torget 6")


def person(number: int, **changes: Any) -> dict[str, Any]:
    record = {
        "attributes": {"type": "Contact"},
        "Email": f"person{number}@exmaple.se",
        "Name": NAMES[number],
        "Street": STREETS[number],
        "Phone": f"070-000 00 0{number}",
        "Country": "SE",
    }
    return record | changes


def right(number: int, **changes: Any) -> dict[str, Any]:
    """The same person with the address put right, which is also the id."""
    return person(number) | {"Email": f"person{number}@example.se"} | changes


@pytest.fixture
def job(make_job: JobMaker) -> ImportJob:
    """Six customers known by their e-mail; 1, 2 and 4 (from 0) were refused for it."""
    make_job.api.preset = "salesforce-collections"
    make_job.api.save()
    made = make_job.of(*[person(number) for number in range(6)], batch_size=3)
    answer(made, mixed(S, X, X), mixed(S, X, S))
    lifecycle.finish_if_done([made.pk])
    assert keys(made, "error") == [person(number)["Email"] for number in (1, 2, 4)]
    return made


def found(job: ImportJob, folder: Path, *records: Any, name: str = "fixed.json") -> list[Entry]:
    path = folder / "upload.json"
    path.write_text(json.dumps({"data": records}))
    assert job.api is not None
    return list(entries(job, [Upload(path, name)], checks_of(job.api)))


def matches(found: list[Entry]) -> list[tuple[str, str]]:
    """What becomes of each record, and the id that it had."""
    return [(str(each.row_outcome), each.latest.key if each.latest else "") for each in found]


def old(number: int) -> str:
    return f"person{number}@exmaple.se"


def test_ids_are_corrected_for_many_at_once_in_any_order(job: ImportJob, tmp_path: Path) -> None:
    entries_ = found(job, tmp_path, right(4), right(1), right(2))
    assert matches(entries_) == [("changed_id", old(number)) for number in (4, 1, 2)]
    assert preview(entries_).can_be_sent
    assert preview(entries_).sent == 3


def test_a_record_is_known_by_its_place_in_the_retry_file(job: ImportJob, tmp_path: Path) -> None:
    directory = retry_files.write(job, tmp_path / "out")
    assert directory is not None
    name, _other = [path.name for path in customer_files(directory)]
    changed = right(1, Name="Anna-Lisa Ek", Street="Storgatan 1 B")  # one of three is the same
    (first, second) = found(job, tmp_path, changed, right(2), name=name)
    assert matches([first, second]) == [("changed_id", old(1)), ("changed_id", old(2))]


@pytest.mark.parametrize("name", ["retry_batch_01_failed.json", "fixed.json"])
def test_another_customer_at_its_place_is_not_taken_for_it(
    name: str, job: ImportJob, tmp_path: Path
) -> None:
    retry_files.write(job, tmp_path / "out")
    other = right(1, Name="Nobody Known", Street="Ny väg 9", Phone="08-1")
    assert matches(found(job, tmp_path, other, person(2), name=name)) == [
        ("stranger", ""), ("same", old(2)),
    ]  # fmt: skip


def test_a_place_counts_only_in_a_file_with_as_many_records(
    job: ImportJob, tmp_path: Path
) -> None:
    retry_files.write(job, tmp_path / "out")
    changed = right(1, Name="Anna-Lisa Ek", Street="Storgatan 1 B")  # one of three is the same
    made = found(job, tmp_path, changed, name="retry_batch_01_failed.json")
    assert matches(made) == [("stranger", "")]


def test_a_customer_whom_nobody_knows_is_still_in_the_way(job: ImportJob, tmp_path: Path) -> None:
    stranger = right(0, Name="Nobody Known", Street="Ny väg 9", Phone="08-1")
    made = found(job, tmp_path, right(1), stranger)
    assert matches(made) == [("changed_id", old(1)), ("stranger", "")]
    assert preview(made).is_blocked


def test_one_failed_record_is_corrected_by_one(job: ImportJob, tmp_path: Path) -> None:
    again = right(1, Email="other@example.se")
    assert matches(found(job, tmp_path, right(1), again)) == [
        ("changed_id", old(1)), ("stranger", ""),
    ]  # fmt: skip


def test_whoever_is_named_in_the_file_has_not_changed_the_id(
    job: ImportJob, tmp_path: Path
) -> None:
    twin = person(1, Email="twin@example.se")
    assert matches(found(job, tmp_path, person(1, Name="Anna Ek-Alm"), twin)) == [
        ("sent", old(1)), ("stranger", ""),
    ]  # fmt: skip


def test_an_imported_customer_is_never_taken_for_a_failed_one(
    job: ImportJob, tmp_path: Path
) -> None:
    assert matches(found(job, tmp_path, right(0))) == [("stranger", "")]


def test_a_record_that_had_no_id_gets_one(make_job: JobMaker, tmp_path: Path) -> None:
    job = make_job.of(samples.customer(0), {**samples.customer(1), "person": {"firstName": "Ada"}})
    answer(job, OK)
    lifecycle.finish_if_done([job.pk])
    directory = retry_files.write(job, tmp_path / "out")
    assert directory is not None
    (name,) = [path.name for path in directory.glob("left_out_*")]
    (entry,) = found(job, tmp_path, samples.customer(1), name=name)
    assert (entry.row_outcome, entry.latest) == (
        RowOutcome.CHANGED_ID,
        job.results.get(status="excluded"),
    )


def test_the_corrected_records_go_out_and_their_history_has_both_ids(
    job: ImportJob, tmp_path: Path
) -> None:
    made = found(job, tmp_path, right(1), right(2), right(4))
    assert job.api is not None
    agreed = preview(made).digest
    checks = checks_of(job.api)
    going = new_batches(versions(made, agreed, force=False), 3, checks)
    new = ledger.resubmit(job, going, reason="Misspelt", actor="anna")
    assert runner.read_input(new)
    answer(new, *[OK] * new.batches.count())
    assert keys(new, "success") == [right(number)["Email"] for number in (1, 2, 4)]
    assert {each.retry_of.key for each in new.results.all() if each.retry_of} == {
        old(number) for number in (1, 2, 4)
    }
    assert (family_totals(job).total, family_totals(job).success, family_totals(job).error) == (
        6,
        6,
        0,
    )


def test_the_page_shows_both_ids_and_what_was_changed(
    job: ImportJob, admin_client: Client
) -> None:
    content = json.dumps({"data": [right(1)]}).encode()
    runner.close(job)
    kwargs = {"pk": job.pk, "tab": "retry-files", "act": "upload"}
    address = admin_client.post(
        reverse("admin:imports_importjob_act", kwargs=kwargs),
        {"files": SimpleUploadedFile("fixed.json", content)},
    ).headers["Location"]
    shown = admin_client.get(address)
    assert shown.context["sent"] == 1
    page = shown.content.decode()
    assert old(1) in page
    assert right(1)["Email"] in page
