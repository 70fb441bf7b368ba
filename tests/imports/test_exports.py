"""Exports: nothing that a spreadsheet would run, nothing lost, and Swedish names right."""

from __future__ import annotations

import csv
import io
import tempfile
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from imports import exports
from imports.exports import csv_rows, safe_cell, xlsx_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMULAS = [
    "=cmd|'/c calc'!A1",
    "+46 70 123 45 67",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠A1",
    " =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
]


def parsed(pieces: Iterator[bytes], separator: str = ",") -> list[list[str]]:
    text = b"".join(pieces).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))


def cells(path: Path) -> list[list[list[Any]]]:
    """The values of each sheet's rows."""
    book = load_workbook(path)
    return [[[cell.value for cell in row] for row in sheet] for sheet in book.worksheets]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_run_gets_a_leading_apostrophe(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=b", "Åsa", "50000001000", "'=1", "00123", "  padded "])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def test_numbers_and_times_are_no_formulas() -> None:
    assert safe_cell(-5) == "-5"
    assert safe_cell(Decimal("-1.50")) == "-1.50"
    assert safe_cell(None) == ""
    assert safe_cell(datetime(2026, 3, 1, 2, 14, 5, 7, UTC)) == "2026-03-01 02:14:05+00:00"


def test_swedish_names_reach_excel_with_the_mark_that_tells_it_utf8() -> None:
    pieces = list(csv_rows(["Kund", "Ort"], [["Åsa Öberg", "Malmö"]]))
    assert b"".join(pieces) == "\ufeffKund,Ort\r\nÅsa Öberg,Malmö\r\n".encode()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_cell_with_separators_quotes_and_line_breaks_comes_back_whole(separator: str) -> None:
    cell = f'a{separator}b "c"\r\nd;e,f'
    assert parsed(csv_rows(["x"], [[cell, "y"]], separator), separator) == [["x"], [cell, "y"]]


def test_headings_are_made_safe_too() -> None:
    assert parsed(csv_rows(["=1+1"], [])) == [["'=1+1"]]


def test_a_lone_surrogate_does_not_stop_an_export() -> None:
    assert parsed(csv_rows(["x"], [["a\ud800b"]])) == [["x"], ["a?b"]]


def test_a_long_csv_comes_in_pieces_and_rows_are_asked_for_one_at_a_time() -> None:
    asked = 0

    def rows() -> Iterator[list[str]]:
        nonlocal asked
        for _ in range(10_000):
            asked += 1
            yield ["x" * 100]

    pieces = csv_rows(["x"], rows())
    first = next(pieces)
    assert asked < 1_000
    assert len(first) < 2 * exports.PIECE_BYTES
    assert len(parsed(iter([first, *pieces]))) == 10_001


def test_a_workbook_holds_texts_as_texts_and_numbers_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    row = [
        "00123",
        "#N/A",
        "Åsa Öberg",
        -5,
        1.5,
        True,
        None,
        datetime(2026, 3, 1, 2, 14, tzinfo=UTC),
    ]
    assert xlsx_file(["a", "b", "c", "d", "e", "f", "g", "h"], [row], path) == 1
    at = datetime(2026, 3, 1, 2, 14)  # noqa: DTZ001 - Excel knows no zones
    assert cells(path)[0][1] == [*row[:7], at]
    sheet = load_workbook(path).active
    assert [cell.data_type for cell in sheet[2]] == ["s", "s", "s", "n", "n", "b", "n", "d"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_workbook_holds_no_formula(text: str, tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    xlsx_file([text], [[text]], path)
    sheet = load_workbook(path).active
    assert [(cell.data_type, cell.value[0]) for cell in (sheet["A1"], sheet["A2"])] == [
        ("s", "'"),
        ("s", "'"),
    ]


def test_a_number_that_excel_would_round_is_kept_as_text(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    xlsx_file(["id"], [[12345678901234567890], [50000001000], [float("nan")]], path)
    assert cells(path)[0][1:] == [["12345678901234567890"], [50000001000], ["nan"]]


def test_rows_beyond_a_sheet_continue_on_the_next_with_the_header(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    count = xlsx_file(["n"], ([n] for n in range(5)), path, sheet_rows=3)
    assert count == 5
    assert cells(path) == [[["n"], [0], [1]], [["n"], [2], [3]], [["n"], [4]]]


def test_a_sheet_that_is_exactly_full_needs_no_second_one(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    xlsx_file(["n"], [[1], [2]], path, sheet_rows=3)
    assert cells(path) == [[["n"], [1], [2]]]


def test_characters_that_xml_cannot_hold_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    xlsx_file(["x"], [["a\0b\x1bc\ud800d\uffffe"]], path)
    assert cells(path)[0][1] == ["a\ufffdb\ufffdc\ufffdd\ufffde"]


def test_a_text_longer_than_a_cell_is_cut_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "results.xlsx"
    xlsx_file(["x"], [["å" * 40_000]], path)
    text = cells(path)[0][1][0]
    assert len(text) == exports.XLSX_CELL
    assert text.endswith(exports.XLSX_CUT)


def test_an_export_that_breaks_off_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, target = tmp_path / "temporary", tmp_path / "target"
    temporary.mkdir()
    target.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def rows() -> Iterator[list[int]]:
        yield [1]
        assert list(temporary.iterdir()), "the sheet is written as the rows come"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        xlsx_file(["n"], rows(), target / "results.xlsx")
    assert [*temporary.iterdir(), *target.iterdir()] == []


def test_an_export_that_cannot_take_its_name_leaves_no_part_behind(tmp_path: Path) -> None:
    taken = tmp_path / "results.xlsx"
    taken.mkdir()
    with pytest.raises(OSError, match=r"results\.xlsx"):
        xlsx_file(["n"], [[1]], taken)
    assert list(tmp_path.iterdir()) == [taken]


def peak_bytes(rows: int, path: Path) -> int:
    tracemalloc.start()
    try:
        xlsx_file(["id", "name"], ([n, f"Åsa {n}"] for n in range(rows)), path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_memory_of_a_workbook_does_not_grow_with_its_rows(tmp_path: Path) -> None:
    peak_bytes(10, tmp_path / "warm.xlsx")
    few = peak_bytes(500, tmp_path / "few.xlsx")
    many = peak_bytes(10_000, tmp_path / "many.xlsx")
    assert many < few + 500_000  # the strings alone of 9,500 more rows weigh more
