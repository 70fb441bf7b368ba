"""Encodings, separators, headings and rows of member files, each row with its own bytes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imports.customers.files.errors import UnreadableFile
from imports.customers.members.conversion import cells_of
from tests.imports.customers.members.tables import HEADINGS, member, opened, text, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
def test_every_row_is_found_by_its_bytes_whatever_encoding_separator_and_line_ending(
    tmp_path: Path, separator: str, encoding: str, ending: str
) -> None:
    members = [member(n) for n in range(5)]
    content = text(*members, separator=separator, ending=ending).encode(encoding)
    path = written(tmp_path, content)
    form, rows = opened(path)
    assert form.headings == HEADINGS
    assert [row.cells for row in rows] == members
    assert [row.number for row in rows] == [2, 3, 4, 5, 6]
    for row in rows:
        assert cells_of(content[row.start : row.start + row.size], form) == row.cells
    assert rows[-1].start + rows[-1].size == len(content)


def test_blank_rows_are_left_out_and_counted_in_the_numbers(tmp_path: Path) -> None:
    content = text(member(0), [""] * 6, member(1), ["\u00a0", "", " ", "", "", ""])
    _form, rows = opened(written(tmp_path, "\r\n" + content + "\r\n"))
    assert [(row.number, row.cells[0]) for row in rows] == [(3, "50000001000"), (5, "50000001001")]


def test_excels_hint_names_the_separator_and_is_no_row(tmp_path: Path) -> None:
    form, rows = opened(written(tmp_path, "sep=|\r\nId|Name\r\n1|Åsa; Eva, Bo\r\n"))
    assert (form.separator, form.headings) == ("|", ("Id", "Name"))
    assert [(row.number, row.cells) for row in rows] == [(2, ["1", "Åsa; Eva, Bo"])]


def test_a_cell_of_several_lines_is_one_row(tmp_path: Path) -> None:
    form, rows = opened(written(tmp_path, 'Id;Note\r\n1;"a\r\nb;""c"""\r\n2;d\r\n'))
    assert [(row.number, row.cells) for row in rows] == [(2, ["1", 'a\r\nb;"c"']), (3, ["2", "d"])]
    assert form.separator == ";"


def test_each_column_has_a_name_of_its_own(tmp_path: Path) -> None:
    form, _rows = opened(written(tmp_path, "Id;Phone;phone;;Phone;;\n1;2;3;4;5;;\n"))
    assert form.headings == ("Id", "Phone", "phone (2)", "column 4", "Phone (3)")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("Id;Name\n1;Åsa\n".encode() + "2;Gösta\n".encode("cp1252"), "TWO_ENCODINGS"),
        (b"Id;Name\n1;\x81\n", "NO_ENCODING"),
        ('Id;Name\n1;"Åsa\n2;Bo\n3;Eva\n', "QUOTE_NOT_CLOSED"),
        ("anna@example.se;Anna\nbo@example.se;Bo\n", "MEMBER_NO_HEADING"),
        ("1;2;3\n4;5;6\n", "MEMBER_NO_HEADING"),
        (" \n\u00a0\n", "NO_COLUMNS"),
        ("Id;Name\n1;" + "x" * (1 << 20) + "\n", "LINE_TOO_LONG"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, content: str | bytes, code: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(UnreadableFile) as refused:
        opened(path)
    assert refused.value.message.own_params["what"].code == code  # type: ignore[union-attr]
    assert "members.csv" in str(refused.value)


def test_a_quote_within_one_line_is_that_rows_fault(tmp_path: Path) -> None:
    _form, rows = opened(written(tmp_path, 'Id;Name\n1;"Åsa"x\n2;Bo\n'))
    assert [row.fault.code if row.fault else "" for row in rows] == ["ROW_UNREADABLE", ""]


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@given(
    table=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=8),
    separator=st.sampled_from([";", ",", "\t"]),
    encoding=st.sampled_from(["utf-8-sig", "utf-16"]),
)
@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_the_csv_module_writes_is_read_back_cell_for_cell(
    tmp_path: Path, table: list[list[str]], separator: str, encoding: str
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(["First name", "Last name", "Third name"])
    writer.writerows(table)
    content = out.getvalue().encode(encoding)
    form, rows = opened(written(tmp_path, content))
    filled = [cells for cells in table if any(map(str.strip, cells))]
    assert [row.cells for row in rows] == filled
    for row in rows:
        assert cells_of(content[row.start : row.start + row.size], form) == row.cells


@pytest.mark.parametrize(
    "content",
    [
        "Members 2026\nId;Name\n1;A\n",
        "Members 2026;;\nId;Name;\n1;A;\n",
        "Members\nId,N,C\n1,A,B\n",
    ],
)
def test_a_title_above_the_names_of_the_columns_is_refused_as_one(
    tmp_path: Path, content: str
) -> None:
    with pytest.raises(UnreadableFile) as refused:
        opened(written(tmp_path, content))
    assert "only “Members" in str(refused.value)


@pytest.mark.parametrize(
    "content", ["Id\n1\n2\n", "Amount\n1,5\n2,5\n", "Id\n", "sep=;\nId\n1;2\n2;3\n"]
)
def test_a_file_of_one_column_has_no_title(tmp_path: Path, content: str) -> None:
    form, _rows = opened(written(tmp_path, content))
    assert len(form.headings) == 1
