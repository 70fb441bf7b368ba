"""Failures go out as the rows that they came in as, and come back corrected."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st

from imports.customers import corrections, drafts, retry_files
from imports.customers.api.setup import checks_of
from imports.customers.files.errors import UnreadableFile
from imports.customers.members import failed_rows
from imports.customers.members.delimited import Row
from imports.customers.members.failed_rows import keep_rows
from imports.customers.members.records import RecordMaker
from imports.engine import runner
from imports.exports import safe_cell
from imports.ledger import lifecycle, retries
from imports.models import CorrectedRow, ImportJob, ImportResult, RetryFile
from tests import jobs
from tests.decisions import retry
from tests.imports.customers.members.tables import (
    HEADINGS,
    member,
    saved,
    template_of,
    text,
    written,
)

if TYPE_CHECKING:
    from imports.models import CustomerApi

BOM = "\ufeff"


@pytest.fixture
def template(api: CustomerApi, messages: Any) -> Any:
    return saved(api)


def import_of(api: CustomerApi, path: Path) -> ImportJob:
    """A job of this file, read into batches of three."""
    job = drafts.new_draft(api, path.name)
    drafts.add_path(job, path)
    lifecycle.start(job)
    assert runner.read_input(job)
    return job


def ended(api: CustomerApi, path: Path, *answers: Any) -> Path:
    """The retry directory of a job of this file that was answered so."""
    return closed(import_of(api, path), *answers)


def closed(job: ImportJob, *answers: Any) -> Path:
    jobs.answer(job, *answers)
    job.refresh_from_db()
    runner.close(job)
    job.refresh_from_db()
    return Path(job.retry_directory)


def correct(job: ImportJob, content: bytes, name: str = "failed_rows.csv") -> ImportJob:
    """Upload a corrected file and send what it changes, as the page does."""
    found = preview(job, content, name)
    checks = checks_of(job.api)  # type: ignore[arg-type]
    uploads = corrections.find(job, found["token"])
    entries = corrections.entries(job, uploads, checks)
    versions = corrections.versions(entries, found["preview"].digest, force=False)
    batches = corrections.new_batches(versions, 3, checks)
    new = retries.resubmit(job, batches, reason="corrected", actor="anna")
    keep_rows(new, [each.where for each in uploads])
    corrections.forget(uploads)
    runner.read_input(new)
    return new


def preview(job: ImportJob, content: bytes, name: str = "failed_rows.csv") -> dict[str, Any]:
    token = corrections.keep(job, [SimpleUploadedFile(name, content)])
    uploads = corrections.find(job, token)
    found = corrections.preview(corrections.entries(job, uploads, checks_of(job.api)))  # type: ignore[arg-type]
    return {"token": token, "preview": found}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize(("separator", "ending"), [(";", "\r\n"), (",", "\n"), ("\t", "\r\n")])
@pytest.mark.usefixtures("template")
def test_failed_rows_are_copied_in_the_form_they_came_in_by(
    api: CustomerApi, tmp_path: Path, encoding: str, separator: str, ending: str
) -> None:
    rows = [member(0), member(1), [""] * 6, member(2, Född="31.02.1980"), member(3)]
    content = text(*rows, separator=separator, ending=ending).encode(encoding)
    directory = ended(api, written(tmp_path, content), jobs.REFUSED)
    expected = text(*rows[:2], *rows[3:], separator=separator, ending=ending).encode(encoding)
    assert (directory / "failed_rows.csv").read_bytes() == expected
    summary = json.loads((directory / "retry_summary.json").read_text())
    assert summary["row_files"][0]["rows"] == 4
    assert "failed_rows.csv" in (directory / "RETRY_INSTRUCTIONS.md").read_text()
    kept = RetryFile.objects.get(name="failed_rows.csv")
    keys = ImportResult.objects.in_bulk(kept.result_ids)
    assert [keys[pk].key for pk in kept.result_ids] == [row[0] for row in rows if row[0]]


@pytest.mark.usefixtures("template")
def test_what_succeeded_or_is_unknown_is_not_among_the_failed_rows(
    api: CustomerApi, tmp_path: Path
) -> None:
    path = written(tmp_path, text(*(member(n) for n in range(9))))
    directory = ended(api, path, jobs.OK, jobs.LOST, jobs.REFUSED)
    written_rows = (directory / "failed_rows.csv").read_text().splitlines()
    assert [line.split(";")[0] for line in written_rows[1:]] == [member(n)[0] for n in (6, 7, 8)]


def test_an_import_of_records_has_no_failed_rows(make_job: Any) -> None:
    directory = closed(make_job(3), jobs.REFUSED)
    assert not list(directory.glob("failed_rows*"))
    assert "row_files" not in json.loads((directory / "retry_summary.json").read_text())


@pytest.mark.usefixtures("template")
def test_no_exported_cell_is_a_formula_and_the_row_says_the_same_when_it_comes_back(
    api: CustomerApi, tmp_path: Path
) -> None:
    rows = [member(0, Förnamn="=cmd|' /C calc'!A0"), member(1, Förnamn="+46 70"), member(2)]
    path = written(tmp_path, BOM + text(*rows))
    job = import_of(api, path)
    directory = closed(job, jobs.REFUSED)
    content = (directory / "failed_rows.csv").read_bytes()
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert [row[1] for row in table[1:]] == ["'=cmd|' /C calc'!A0", "'+46 70", "ÅSA"]
    found = preview(job, content)["preview"]
    assert dict(found.counts) == {corrections.RowOutcome.SAME: 3}


def as_excel_saves(content: bytes, **changes: str) -> bytes:
    """Semicolons, Windows-1252, CRLF, and the cells of one heading changed."""
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=";")
    rows.writerow(table[0])
    for row in table[1:]:
        cells = dict(zip(table[0], row, strict=True))
        rows.writerow({**cells, **changes}.values())
    return out.getvalue().encode("cp1252")


@pytest.mark.usefixtures("template")
def test_rows_corrected_in_a_spreadsheet_are_sent_as_corrections_of_their_records(
    api: CustomerApi, tmp_path: Path
) -> None:
    rows = [member(0), member(1, Född="31.02.1980"), member(2, Född="x"), member(3, Född="1.1")]
    job = import_of(api, written(tmp_path, BOM + text(*rows)))
    directory = closed(job, jobs.OK)
    content = (directory / "failed_rows.csv").read_bytes()
    new = correct(job, as_excel_saves(content, Född="1980-02-03"))
    assert new.retry_of == job
    assert sorted(new.results.values_list("key", flat=True)) == [row[0] for row in rows[1:]]
    body = json.loads(bytes(new.batches.get().body))
    assert {each["person"]["birthday"] for each in body["data"]} == {"1980-02-03"}
    assert {each["person"]["lastName"] for each in body["data"]} == {
        f"SJÖBERG-{n}" for n in (1, 2, 3)
    }
    closed(new, jobs.OK)
    jobs.assert_totals_hold(new)
    assert not retries.waiting(job).exists()
    assert not list((Path(directory).parent.parent / "media" / "corrected").glob("*"))


@pytest.mark.usefixtures("template")
def test_a_corrected_row_that_fails_again_comes_back_as_it_was_corrected(
    api: CustomerApi, tmp_path: Path
) -> None:
    job = import_of(api, written(tmp_path, text(member(0), member(1, Född="x")).encode("cp1252")))
    content = (closed(job, jobs.REFUSED) / "failed_rows.csv").read_bytes()
    corrected = content.decode("cp1252").replace(";x;", ";01.02.1980;").replace("ÅSA", "ŁUCJA")
    new = correct(job, (BOM + corrected).encode())
    assert CorrectedRow.objects.count() == 2
    directory = closed(new, jobs.REFUSED)
    again = (directory / "failed_rows.csv").read_bytes().decode("utf-8-sig")
    assert [[*line.split(";")[:4:3], line.split(";")[1]] for line in again.splitlines()[1:]] == [
        ["50000001000", "01.01.1940", "ŁUCJA"],
        ["50000001001", "01.02.1980", "ŁUCJA"],
    ]
    row = failed_rows.rows_of(list(new.results.all()))
    assert all(each.is_corrected for each in row.values())


@pytest.mark.usefixtures("template")
def test_rows_that_fail_again_in_a_retry_are_still_found(api: CustomerApi, tmp_path: Path) -> None:
    content = text(member(0), member(1), member(2), member(3)).encode()
    job = import_of(api, written(tmp_path, content))
    closed(job, jobs.REFUSED, jobs.OK)
    retried = retry(job).job
    runner.read_input(retried)
    directory = closed(retried, jobs.REFUSED)
    assert (directory / "failed_rows.csv").read_bytes() == b"".join(content.splitlines(True)[:4])


@pytest.mark.usefixtures("template")
def test_a_record_that_was_edited_since_stands_only_in_the_json_files(
    api: CustomerApi, tmp_path: Path
) -> None:
    job = import_of(api, written(tmp_path, text(member(0), member(1))))
    closed(job, jobs.REFUSED)
    old = job.results.order_by("pk").first()
    assert old is not None
    checks = checks_of(api)
    body = json.loads(bytes(job.batches.get().body))["data"][0]
    body["person"]["firstName"] = "EVA"
    version = corrections.of_text(json.dumps(body).encode(), old.key, old.email, old)
    new = retries.resubmit(
        job, corrections.new_batches([version], 3, checks), reason="typo", actor="anna"
    )
    runner.read_input(new)
    closed(new, jobs.REFUSED)
    job.refresh_from_db()
    directory = retry_files.write(job, tmp_path / "again")
    assert directory is not None
    rows = (directory / "failed_rows.csv").read_text().splitlines()
    assert [line.split(";")[0] for line in rows[1:]] == ["50000001001"]
    summary = json.loads((directory / "retry_summary.json").read_text())
    assert summary["row_files"][0]["edited_since"] == 1


@pytest.mark.usefixtures("template")
def test_a_row_whose_id_was_wrong_is_found_by_its_place(api: CustomerApi, tmp_path: Path) -> None:
    job = import_of(api, written(tmp_path, text(member(0, Född="x"), member(1))))
    content = (closed(job, jobs.OK) / "failed_rows.csv").read_bytes()
    corrected = content.replace(b";x;", b";01.02.1980;").replace(b"50000001000", b"77")
    found = preview(job, corrected)["preview"]
    assert dict(found.counts) == {corrections.RowOutcome.CHANGED_ID: 1}


@pytest.mark.usefixtures("template")
def test_rows_that_are_still_wrong_keep_the_file_from_being_sent(
    api: CustomerApi, tmp_path: Path
) -> None:
    job = import_of(api, written(tmp_path, text(member(0, Född="x"), member(1, Född="y"))))
    content = (closed_without_batches(job) / "failed_rows.csv").read_bytes()
    found = preview(job, content.replace(b";x;", b";01.02.1980;"))["preview"]
    assert found.counts[corrections.RowOutcome.UNSENDABLE] == 1
    assert not found.can_be_sent


def closed_without_batches(job: ImportJob) -> Path:
    runner.run(job, lambda: False)
    job.refresh_from_db()
    runner.close(job)
    job.refresh_from_db()
    return Path(job.retry_directory)


@pytest.mark.usefixtures("template")
def test_a_table_with_other_columns_is_refused_by_their_names(
    api: CustomerApi, tmp_path: Path
) -> None:
    job = import_of(api, written(tmp_path, text(member(0), member(1))))
    closed(job, jobs.REFUSED)
    with pytest.raises(UnreadableFile) as refused:
        preview(job, b"Kundnr;Namn\r\n1;Bo\r\n")
    assert "“Förnamn”" in str(refused.value)
    assert not list((tmp_path / "media" / "corrected").glob("*"))


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize("change", [False, True])
def test_failed_rows_loaded_into_a_new_import_retry_their_records(
    api: CustomerApi, tmp_path: Path, change: bool
) -> None:
    job = import_of(api, written(tmp_path, text(member(0), member(1, Född="x"), member(2))))
    content = (closed(job, jobs.REFUSED) / "failed_rows.csv").read_bytes()
    if change:
        content = content.replace(b";x;", b";01.02.1980;").replace(b"SJ", b"LJ")
    again = import_of(api, written(tmp_path, content, "failed_rows.csv"))
    again.refresh_from_db()
    sent = again.results.filter(status="pending")
    assert sent.count() == (3 if change else 2)
    assert sent.filter(retry_of__job=job).count() == sent.count()


@pytest.mark.usefixtures("template")
def test_rows_of_a_workbook_come_back_as_a_workbook(api: CustomerApi, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in [list(HEADINGS), member(0), member(1, Förnamn="=1+1", Född="x")]:
        book.active.append(["'" + each if each.startswith("=") else each for each in row])
    book.save(tmp_path / "members.xlsx")
    job = import_of(api, tmp_path / "members.xlsx")
    directory = closed(job, jobs.REFUSED)
    sheet = openpyxl.load_workbook(directory / "failed_rows.xlsx").active
    assert sheet is not None
    found = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert found[0] == list(HEADINGS)
    assert [row[0] for row in found[1:]] == ["50000001000", "50000001001"]
    sheet["D3"] = "1980-02-03"
    out = io.BytesIO()
    sheet.parent.save(out)
    new = correct(job, out.getvalue(), "failed_rows.xlsx")
    assert new.results.get().key == "50000001001"


def test_each_form_of_several_files_has_a_file_of_its_own(
    api: CustomerApi, template: Any, tmp_path: Path
) -> None:
    job = drafts.new_draft(api, "two")
    drafts.add_path(job, written(tmp_path, text(member(0), separator=","), "a.csv"))
    drafts.add_path(job, written(tmp_path, text(member(1)), "b.csv"))
    drafts.add_path(job, written(tmp_path, text(member(2)), "c.csv"))
    lifecycle.start(job)
    runner.read_input(job)
    directory = closed(job, jobs.REFUSED, jobs.REFUSED, jobs.REFUSED)
    names = sorted(path.name for path in directory.glob("failed_rows*"))
    assert names == ["failed_rows.csv", "failed_rows_2.csv"]
    assert len((directory / "failed_rows_2.csv").read_text().splitlines()) == 3


@given(cell=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_an_exported_cell_never_runs_and_always_reads_as_it_did(cell: str) -> None:
    maker = RecordMaker(template_of({"path": "v", "column": "V"}), ("V",), "m")
    exported = safe_cell(cell)
    first, second = (maker.of(Row(2, 0, 0, [each])).raw for each in (cell, exported))
    assert first == second
    assert exported.lstrip(" \u00a0\u200b\ufeff")[:1] not in tuple("=+-@＝＋－＠")
