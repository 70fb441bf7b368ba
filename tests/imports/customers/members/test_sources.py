"""Member files in a draft: taken in, converted once, checked, and started."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports.customers import background, drafts, dry_run
from imports.customers.members import sources
from imports.customers.members import workbook as workbooks
from imports.engine import queue, runner, sweeper
from imports.ledger import lifecycle
from imports.ledger.lifecycle import NotAllowed
from imports.messages import to_json
from imports.models import CustomerApi, ImportFile, ImportResult
from tests import jobs
from tests.imports.customers.members.tables import (
    DOCUMENT,
    HEADINGS,
    member,
    saved,
    text,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from imports.models import ImportJob

GK_RECORD = (
    '{"changeType": "CREATE", "type": "PERSON", "person": '
    '{"customerId": "C%d", "firstName": "ÅSA", "lastName": "EK"}}'
)


@pytest.fixture
def draft(api: CustomerApi, messages: Any) -> ImportJob:
    return drafts.new_draft(api, "members")


def add(draft: ImportJob, path: Path, **options: Any) -> ImportFile:
    return drafts.add_path(draft, path, **options)


def started(draft: ImportJob) -> list[ImportResult]:
    lifecycle.start(draft)
    assert runner.read_input(draft)
    return list(draft.results.order_by("position"))


def test_a_table_becomes_customers_by_a_template(draft: ImportJob, tmp_path: Path) -> None:
    template = saved(draft.api)  # type: ignore[arg-type]
    path = written(tmp_path, text(*(member(n) for n in range(5))))
    file = add(draft, path, template=template)
    assert (file.status, file.record_count, file.excluded_count) == ("valid", 5, 0)
    assert file.member.template == template
    path.unlink()  # what was added is kept
    results = started(draft)
    assert [each.key for each in results] == [str(50000001000 + n) for n in range(5)]
    assert file.member.rows_path.read_bytes().startswith(b"Kundnr")


def test_a_table_waits_for_a_template_and_cannot_be_started(
    draft: ImportJob, tmp_path: Path
) -> None:
    file = add(draft, written(tmp_path, text(member(0))))
    assert (file.status, file.message.own_params["what"].code) == ("waiting", "NO_TEMPLATE")
    with pytest.raises(NotAllowed):
        lifecycle.start(draft)
    with pytest.raises(NotAllowed):
        dry_run.ask(draft, "anna")
    background.use_template(file, saved(draft.api))  # type: ignore[arg-type]
    assert len(started(draft)) == 1


def test_the_only_template_for_just_these_headings_is_taken(
    draft: ImportJob, tmp_path: Path
) -> None:
    template = saved(draft.api)  # type: ignore[arg-type]
    one = add(draft, written(tmp_path, text(member(0)), "one.csv"))
    assert (one.status, one.member.template) == ("valid", template)
    saved(draft.api, "Others")  # type: ignore[arg-type]
    assert add(draft, written(tmp_path, text(member(1)), "two.csv")).status == "waiting"


def test_a_template_that_does_not_fit_names_the_columns_and_another_may_be_chosen(
    draft: ImportJob, tmp_path: Path
) -> None:
    wrong = saved(draft.api, "Wrong", fields=[{"path": "id", "column": "Medlem"}])  # type: ignore[arg-type]
    file = add(draft, written(tmp_path, text(member(0))), template=wrong)
    assert (file.status, file.message.own_params["what"].code) == ("invalid", "LACKS_COLUMNS")
    background.use_template(file, saved(draft.api))  # type: ignore[arg-type]
    file.refresh_from_db()
    assert (file.status, file.record_count) == ("valid", 1)


def test_rows_with_faults_are_named_before_start_and_kept_as_records(
    draft: ImportJob, tmp_path: Path
) -> None:
    rows = [member(0), [""] * 6, member(1, Född="31.02.1980"), member(2, Status="?"), member(3)]
    file = add(draft, written(tmp_path, text(*rows)), template=saved(draft.api))  # type: ignore[arg-type]
    assert (file.status, file.record_count, file.excluded_count) == ("valid", 4, 2)
    assert [each["code"] for each in file.refusals] == ["ROW_DATE", "ROW_VALUE"]
    assert file.refusals[0]["message"]["params"]["record"]["params"] == {"position": 2, "row": 4}
    results = started(draft)
    assert [each.status for each in results] == ["pending", "excluded", "excluded", "pending"]
    refused = results[1]
    assert (refused.error_code, refused.key) == ("ROW_DATE", "50000001001")
    kept = bytes(refused.refused_record or b"")
    assert json.loads(kept)["person"]["birthday"] == "31.02.1980"
    assert b"redrive" not in kept
    assert "row 4" in refused.error


def test_the_apis_own_faults_name_the_row_too(draft: ImportJob, tmp_path: Path) -> None:
    template = saved(draft.api)  # type: ignore[arg-type]
    rows = [member(0), member(1, Förnamn="x" * 41)]
    file = add(draft, written(tmp_path, text(*rows)), template=template)
    (refusal,) = file.refusals
    assert refusal["code"] == "TOO_LONG"
    assert refusal["message"]["params"]["record"]["params"]["row"] == 3


def test_columns_that_are_not_sent_and_a_guessed_encoding_are_said(
    draft: ImportJob, tmp_path: Path
) -> None:
    content = "Kundnr;Förnamn\n1;Åsa\n".encode("cp1252")
    template = saved(draft.api, fields=[{"path": "person.customerId", "column": "Kundnr"}])  # type: ignore[arg-type]
    file = add(draft, written(tmp_path, content), template=template)
    assert {"READ_AS_WINDOWS", "NOT_IN_TEMPLATE"} <= {each["code"] for each in file.warnings}


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in [list(HEADINGS), *rows]:
        book.active.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_with_its_dates_and_numbers(draft: ImportJob, tmp_path: Path) -> None:
    import datetime

    rows: list[list[Any]] = [
        [50000001000, "ÅSA", "EK", datetime.date(1980, 2, 3), "asa@example.se", "A"],
        [],
        ["50000001001", "BO", "EK", "31.02.1980", None, None],
    ]
    path = workbook(tmp_path / "members.xlsx", *rows)
    file = add(draft, path, template=saved(draft.api))  # type: ignore[arg-type]
    assert (file.status, file.record_count, file.excluded_count) == ("valid", 2, 1)
    assert file.refusals[0]["message"]["params"]["record"]["params"]["row"] == 4
    results = started(draft)
    assert [each.key for each in results] == ["50000001000", "50000001001"]
    body = json.loads(bytes(draft.batches.get().body))
    assert body["data"][0]["person"]["birthday"] == "1980-02-03"


def test_a_workbook_says_what_it_shows_otherwise_than_it_is_read(
    draft: ImportJob, tmp_path: Path
) -> None:
    rows = [[str(n), "ÅSA", "EK", "03.02.1980", "a@example.se", "A"] for n in range(5)]
    path = workbook(tmp_path / "members.xlsx", *rows)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    sheet.row_dimensions[3].hidden = sheet.row_dimensions[4].hidden = True
    sheet.merge_cells("C5:C6")
    book.create_sheet("Empty")
    book.create_sheet("March").append(["Kundnr"])
    hidden = book.create_sheet("Codes")
    hidden.append(["A"])
    hidden.sheet_state = "hidden"
    book.save(path)
    file = add(draft, path, template=saved(draft.api))  # type: ignore[arg-type]
    warned = {each["code"]: each["params"] for each in file.warnings}
    assert (file.status, file.record_count) == ("valid", 5)
    assert warned["OTHER_SHEETS"]["others"] == "“March”"
    assert warned["HIDDEN_ROWS"]["n"] == 2
    assert warned["MERGED_CELLS"]["cells"] == "C5:C6"


@pytest.mark.parametrize("piece_bytes", [100, 1 << 20])
def test_a_formula_without_a_value_is_no_empty_cell(
    piece_bytes: int, draft: ImportJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "PIECE_BYTES", piece_bytes)
    good = [["1", "ÅSA", "EK", "03.02.1980", "a@example.se", "A"]] * 20
    path = workbook(tmp_path / "members.xlsx", *good, ["2", '=B2&"X"', "EK", None, None, "A"])
    file = add(draft, path, template=saved(draft.api))  # type: ignore[arg-type]
    said = to_json(file.message)
    assert file.status == "invalid"
    assert "NOT_CALCULATED" in str(said)
    assert "B22" in str(said)


def test_a_workbook_of_hidden_sheets_alone_is_refused_with_the_reason(
    draft: ImportJob, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "members.xlsx", ["1"])
    book = openpyxl.load_workbook(path)
    book.worksheets[0].sheet_state = "hidden"
    book.active = book.create_sheet("Empty")
    book.save(path)
    file = add(draft, path, template=saved(draft.api))  # type: ignore[arg-type]
    assert "ONLY_HIDDEN_SHEETS" in str(to_json(file.message))


SHAPES = {
    "list.json": lambda records: f"[{','.join(records)}]",
    "customers.json": lambda records: f'{{"customers": [{",".join(records)}]}}',
    "lines.ndjson": lambda records: "\n\n".join(records) + "\n",
    "lines.json": lambda records: "\r\n".join(records),
    "data.json": lambda records: f'{{"data": [{",".join(records)}]}}',
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", list(SHAPES))
def test_shapes_of_the_apis_own_records_need_no_template(
    draft: ImportJob, tmp_path: Path, name: str, packed: bool
) -> None:
    records = [GK_RECORD % n for n in range(3)]
    content = SHAPES[name](records).encode()
    if packed:
        name, content = f"{name}.gz", gzip.compress(content)
    file = add(draft, written(tmp_path, content, name))
    assert (file.status, file.record_count, file.excluded_count) == ("valid", 3, 0)
    started(draft)
    (batch,) = draft.batches.all()
    assert all(record.encode() in bytes(batch.body) for record in records)


def test_a_table_may_be_compressed(draft: ImportJob, tmp_path: Path) -> None:
    content = gzip.compress(text(member(0), member(1)).encode("utf-16"))
    path = written(tmp_path, content, "members.csv.gz")
    file = add(draft, path, template=saved(draft.api))  # type: ignore[arg-type]
    assert (file.status, file.record_count) == ("valid", 2)


PACKED = gzip.compress(text(*(member(n) for n in range(99))).encode(), mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("m.csv.gz", PACKED[: len(PACKED) // 2], "BAD_GZIP"),
        ("m.gz", gzip.compress(PACKED, mtime=0), "PACKED_TWICE"),
        ("m.ndjson", b'{"id": 1}\n{"id": \n', "NOT_JSON"),
        ("m.csv", b"Kundnr;Namn\r\n", "LACKS_COLUMNS"),
        ("m.csv", text().encode(), "NO_ROWS"),
        ("m.csv", b"%PDF-1.7 hello", "PDF"),
        ("m.csv", b"PK\x03\x04 no archive", "ZIP"),
        ("m.csv", b"", ""),
    ],
    ids=range(8),
)
def test_what_cannot_be_read_is_refused_whole_and_leaves_nothing_behind(
    draft: ImportJob, tmp_path: Path, settings: Any, django_capture_on_commit_callbacks: Any,
    name: str, content: bytes, code: str,
) -> None:  # fmt: skip
    file = add(draft, written(tmp_path, content, name), template=saved(draft.api))  # type: ignore[arg-type]
    assert file.status == "invalid"
    if code:
        assert file.message.own_params["what"].code == code
    with django_capture_on_commit_callbacks(execute=True):
        drafts.remove_file(file)
    assert [each for each in Path(settings.MEDIA_ROOT).rglob("*") if each.is_file()] == []


def test_a_bomb_is_not_unpacked(draft: ImportJob, tmp_path: Path, settings: Any) -> None:
    settings.MEMBER_FILE_MB = 1
    path = written(tmp_path, gzip.compress(b"Id;Name\n" + b"1;Bo\n" * 400_000), "m.csv.gz")
    assert add(draft, path).message.own_params["what"].code == "UNPACKED_TOO_LARGE"
    big = workbook(tmp_path / "m.xlsx", *([["x" * 30_000] * 4] * 20))
    assert add(draft, big).message.own_params["what"].code == "WORKBOOK_TOO_LARGE"


def test_removing_a_file_and_discarding_a_draft_remove_all_that_was_made(
    draft: ImportJob, tmp_path: Path, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    template = saved(draft.api)  # type: ignore[arg-type]
    upload = SimpleUploadedFile("m.csv", text(member(0)).encode())
    with django_capture_on_commit_callbacks(execute=True):
        file = drafts.add_upload(draft, upload, template=template)
        assert file.status == "valid"
        add(draft, workbook(tmp_path / "m.xlsx", [1]), template=template)
        drafts.remove_draft(draft)
    assert [each for each in Path(settings.MEDIA_ROOT).rglob("*") if each.is_file()] == []


def test_the_same_table_again_sends_only_what_did_not_succeed(
    draft: ImportJob, tmp_path: Path, api: CustomerApi
) -> None:
    saved(api)
    path = written(tmp_path, text(member(0), member(1)))
    add(draft, path)
    started(draft)
    jobs.answer(draft, jobs.OK)
    again = drafts.new_draft(api, "again")
    add(again, path)
    assert {each.error_code for each in started(again)} == {"ALREADY_IMPORTED"}


def test_a_dry_run_reads_tables_and_leaves_nothing_behind(
    api: CustomerApi, tmp_path: Path, settings: Any
) -> None:
    path = written(tmp_path, text(member(0), member(1, Född="x")))
    found = dry_run.of_paths(api, [path], saved(api))
    assert (found["would_send"], found["excluded_by_reason"]) == (1, {"ROW_DATE": 1})
    assert [each for each in Path(settings.MEDIA_ROOT).rglob("*") if each.is_file()] == []


@pytest.fixture
def always_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "AT_ONCE_BYTES", 1)
    monkeypatch.setattr(sources, "AT_ONCE_PACKED_BYTES", 1)


def uploaded(draft: ImportJob, content: str, name: str = "m.csv", **options: Any) -> ImportFile:
    return drafts.add_upload(draft, SimpleUploadedFile(name, content.encode()), **options)


@pytest.mark.usefixtures("always_large")
def test_a_large_table_is_read_by_a_worker(draft: ImportJob, api: CustomerApi) -> None:
    saved(api)
    file = uploaded(draft, text(member(0), member(1, Född="x")))
    assert file.status == "reading"
    assert draft in sweeper.needing_a_worker()
    with pytest.raises(NotAllowed):
        lifecycle.start(draft)
    queue.run_job(draft.pk)
    file.refresh_from_db()
    assert (file.status, file.record_count, file.excluded_count) == ("valid", 2, 1)
    assert draft not in sweeper.needing_a_worker()
    assert len(started(draft)) == 2


@pytest.mark.usefixtures("always_large")
def test_a_table_that_a_killed_worker_was_at_is_read_by_the_next(
    draft: ImportJob, api: CustomerApi, pass_time: Callable[[float], None]
) -> None:
    saved(api)
    file = uploaded(draft, text(member(0)))
    claim = {"token": "5dbd0a3e-44ab-4b54-a1a2-b69bdcb58c70"}
    from django.db.models.functions import Now

    ImportFile.objects.update(alive_at=Now(), **claim)
    queue.run_job(draft.pk)
    file.refresh_from_db()
    assert (file.status, draft in sweeper.needing_a_worker()) == ("reading", False)
    pass_time(61)
    assert draft in sweeper.needing_a_worker()
    queue.run_job(draft.pk)
    file.refresh_from_db()
    assert file.status == "valid"


@pytest.mark.usefixtures("always_large")
def test_a_worker_that_dies_over_a_compressed_file_loses_nothing(
    draft: ImportJob, api: CustomerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(api)
    upload = SimpleUploadedFile("m.csv.gz", gzip.compress(text(member(0)).encode()))
    file = drafts.add_upload(draft, upload)

    def die(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(background, "_finish", die)
        with pytest.raises(KeyboardInterrupt):
            queue.run_job(draft.pk)
    ImportFile.objects.update(alive_at=None)
    queue.run_job(draft.pk)
    file.refresh_from_db()
    assert (file.status, file.record_count) == ("valid", 1)
    assert len(list(file.location.parent.iterdir())) >= 3


@pytest.mark.usefixtures("always_large")
def test_a_file_that_is_removed_while_it_is_read_stays_removed(
    draft: ImportJob, api: CustomerApi, settings: Any, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    saved(api)
    file = uploaded(draft, text(member(0)))
    made = sources.make

    def overtaken(*arguments: Any) -> bool:
        drafts.remove_file(ImportFile.objects.get(pk=file.pk))
        return made(*arguments)

    monkeypatch.setattr(sources, "make", overtaken)
    with django_capture_on_commit_callbacks(execute=True):
        queue.run_job(draft.pk)
    assert not draft.files.exists()
    left = [each for each in Path(settings.MEDIA_ROOT).rglob("*.json") if each.is_file()]
    assert left == []


def test_the_document_that_was_used_stays_when_its_template_changes(
    draft: ImportJob, api: CustomerApi, tmp_path: Path
) -> None:
    template = saved(api)
    file = add(draft, written(tmp_path, text(member(0))), template=template)
    template.delete()
    file = ImportFile.objects.get(pk=file.pk)
    assert (file.member.template, file.member.document) == (None, DOCUMENT)


def test_a_draft_that_goes_to_another_api_needs_a_template_of_that_one(
    draft: ImportJob, api: CustomerApi, tmp_path: Path
) -> None:
    saved(api)
    file = add(draft, written(tmp_path, text(member(0))))
    other = CustomerApi.objects.create(name="other", url=api.url)
    drafts.use_api(draft, other)
    draft.save()
    drafts.recognise_files(draft)
    file = draft.files.get()
    assert (file.status, file.record_count, file.member.document) == ("waiting", 0, {})
    background.use_template(file, saved(other, "Of the other"))
    file = draft.files.get()
    assert (file.status, file.record_count) == ("valid", 1)


def test_a_heading_may_hold_what_no_database_takes(draft: ImportJob, tmp_path: Path) -> None:
    content = text(member(0)).replace("Status", "Sta\x00tus").encode("utf-16")
    file = add(draft, written(tmp_path, content), template=saved(draft.api))  # type: ignore[arg-type]
    assert file.status in ("waiting", "invalid")


def test_a_row_with_faults_among_many_is_never_sent_whatever_the_api_checks(
    draft: ImportJob, api: CustomerApi, tmp_path: Path
) -> None:
    CustomerApi.objects.filter(pk=api.pk).update(preset="plain", batch_size=100)
    draft = drafts.new_draft(CustomerApi.objects.get(pk=api.pk), "of an API without rules")
    fields = [
        {"path": "id", "column": "Kundnr"},
        {"path": "born", "column": "Född", "type": "date", "format": "dd.mm.yyyy"},
    ]
    rows = [member(n, Född="31.02.1980") if n % 40 == 7 else member(n) for n in range(200)]
    template = saved(draft.api, "Plain", fields=fields)  # type: ignore[arg-type]
    file = add(draft, written(tmp_path, text(*rows)), template=template)
    assert (file.record_count, file.excluded_count) == (200, 5)
    results = started(draft)
    assert [each.status for each in results].count("excluded") == 5
    assert not any(b"redrive:row" in bytes(batch.body) for batch in draft.batches.all())
