"""What a file is taken for, and what is said of one that is something else."""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
from typing import TYPE_CHECKING

import pytest

from imports.customers import drafts
from tests.imports.customers.members.tables import member, saved, text, written

if TYPE_CHECKING:
    from pathlib import Path

    from imports.models import ImportFile, ImportJob

TABLE = text(*(member(n) for n in range(20))).encode()
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.fixture
def draft(api: object, messages: object) -> ImportJob:
    found = drafts.new_draft(api, "members")  # type: ignore[arg-type]
    saved(found.api)  # type: ignore[arg-type]
    return found


def archive(name: str) -> bytes:
    """A ZIP with one file in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr(name, "<a/>")
    return buffer.getvalue()


def what_of(file: ImportFile) -> tuple[str, str]:
    params = file.message.own_params
    return params["what"].code, params["remedy"].code


@pytest.mark.parametrize(
    ("name", "content", "what", "remedy"),
    [
        ("members.csv", b" \r\n\r\n", "ONLY_SPACE", "EXPORT_IT_AGAIN"),
        ("members.csv.bz2", bz2.compress(TABLE), "PACKED_OTHERWISE", "UNPACK_ONE"),
        ("members.csv", lzma.compress(TABLE), "PACKED_OTHERWISE", "UNPACK_ONE"),
        ("members.csv", b"7z\xbc\xaf\x27\x1c1234", "PACKED_OTHERWISE", "UNPACK_ONE"),
        ("members.csv", b"%PDF-1.7", "PDF", "EXPORT_AS_JSON"),
        ("members.xls", OLD_OFFICE, "OLD_OFFICE", "SAVE_AS_NEW"),
        ("members.xlsx", OLD_OFFICE, "OLD_OFFICE", "SAVE_AS_NEW"),
        ("members.xlsx", archive("word/document.xml"), "BAD_WORKBOOK", "SAVE_AS_XLSX"),
        ("members.xlsx", archive("xl/workbook.xml")[:-30], "BAD_WORKBOOK", "SAVE_AS_XLSX"),
        ("members.zip", archive("members.csv"), "ZIP", "UNPACK"),
        ("members.json", archive("xl/workbook.xml"), "XLSX", "NAME_IT_XLSX"),
        ("members.csv", b"\0" * 400, "UTF_16_OR_BINARY", "SAVE_AS_UTF_8"),
    ],
)
def test_a_file_that_is_something_else_says_what_it_is_and_what_to_do(
    name: str, content: bytes, what: str, remedy: str, draft: ImportJob, tmp_path: Path
) -> None:
    file = drafts.add_path(draft, written(tmp_path, content, name))
    assert (file.status, *what_of(file)) == ("invalid", what, remedy)


def test_a_zero_in_a_table_is_the_fault_of_its_row(draft: ImportJob, tmp_path: Path) -> None:
    rows = [member(0), member(1, Efternamn="SJÖ\0BERG"), *(member(n) for n in range(2, 9))]
    file = drafts.add_path(draft, written(tmp_path, text(*rows)))
    assert (file.status, file.record_count, file.excluded_count) == ("valid", 9, 1)
    refusal = file.refusals[0]
    assert refusal["code"] == "BAD_TEXT"
    assert refusal["message"]["params"]["record"]["params"] == {"position": 2, "row": 3}


@pytest.mark.parametrize(
    ("line", "near"), [('{"id": "2"},', "“,”"), ('{"id": "2"} x', "“x”"), ('{"id": 2', "end of")]
)
def test_a_line_that_is_no_json_is_named_with_the_place_where_it_stops(
    line: str, near: str, draft: ImportJob, tmp_path: Path
) -> None:
    content = f'{{"id": "1"}}\n{line}\n{{"id": "3"}}\n'
    file = drafts.add_path(draft, written(tmp_path, content, "members.jsonl"))
    assert file.status == "invalid"
    assert file.message.own_params["place"].own_params["line"] == 2
    assert near in str(file.message)


@pytest.mark.parametrize(
    ("preset", "key", "status"),
    [
        ("gk", "customers", "valid"),
        ("gk", "households", "invalid"),
        ("gk-households", "households", "valid"),
        ("gk-households", "customers", "invalid"),
        ("plain", "customers", "valid"),
        ("plain", "households", "valid"),
    ],
)
def test_households_as_the_gk_tools_export_them_go_to_every_api_but_gks_own_for_customers(
    preset: str, key: str, status: str, draft: ImportJob, tmp_path: Path
) -> None:
    assert draft.api is not None
    draft.api.preset = preset
    record = '{"id": "H1", "householdId": "H1", "changeType": "CREATE", "type": "PERSON"}'
    content = f'{{"{key}": [{record}], "exportedAt": "2026-11-01"}}'
    file = drafts.add_path(draft, written(tmp_path, content, "export.json"))
    assert file.status == status
    if (preset, key) == ("gk", "households"):
        assert what_of(file) == ("OTHER_KEYS", "HOUSEHOLDS_ELSEWHERE")
