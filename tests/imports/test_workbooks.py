"""Workbooks: texts stay texts, nothing is run, and memory stays while they are sent."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from imports import exports
from imports.exports import PIECE_BYTES, xlsx_pieces
from tests.imports.test_exports import FORMULAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def made(header: list[str], rows: Iterable[list[Any]], **limits: Any) -> Any:
    """The workbook as a spreadsheet opens it."""
    return load_workbook(io.BytesIO(b"".join(xlsx_pieces(header, rows, **limits))))


def cells(header: list[str], rows: Iterable[list[Any]], **limits: int) -> list[list[list[Any]]]:
    """The values of each sheet's rows."""
    book = made(header, rows, **limits)
    return [[[cell.value for cell in row] for row in sheet] for sheet in book.worksheets]


def test_a_workbook_holds_texts_as_texts_and_numbers_as_numbers() -> None:
    at = datetime(2026, 3, 1, 2, 14, tzinfo=UTC)
    row = ["00123", "#N/A", "Åsa Öberg", -5, 1.5, True, None, at]
    header = ["a", "b", "c", "d", "e", "f", "g", "h"]
    assert cells(header, [row])[0][1] == [*row[:7], at.replace(tzinfo=None)]
    types = [cell.data_type for cell in made(header, [row]).active[2]]
    assert types == ["s", "s", "s", "n", "n", "b", "n", "d"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_workbook_holds_no_formula(text: str) -> None:
    sheet = made([text], [[text]]).active
    found = [(cell.data_type, cell.value[0]) for cell in (sheet["A1"], sheet["A2"])]
    assert found == [("s", "'"), ("s", "'")]


def test_a_number_that_excel_would_round_is_kept_as_text() -> None:
    rows: list[list[Any]] = [[12345678901234567890], [50000001000], [float("nan")]]
    assert cells(["id"], rows)[0][1:] == [["12345678901234567890"], [50000001000], ["nan"]]


def test_rows_beyond_a_sheet_continue_on_the_next_with_the_header() -> None:
    found = cells(["n"], ([n] for n in range(5)), sheet_rows=3)
    assert found == [[["n"], [0], [1]], [["n"], [2], [3]], [["n"], [4]]]


def test_a_sheet_that_is_exactly_full_needs_no_second_one() -> None:
    assert cells(["n"], [[1], [2]], sheet_rows=3) == [[["n"], [1], [2]]]


def test_long_texts_begin_a_further_sheet_before_a_zip_holds_no_more() -> None:
    found = cells(["x"], (["y" * 9_000] for _ in range(3)), sheet_bytes=10_000)
    assert [len(sheet) for sheet in found] == [3, 2]  # headers included


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    row = ["a\0b\x1bc\ud800d\uffffe"]
    assert cells(["x"], [row])[0][1] == ["a\ufffdb\ufffdc\ufffdd\ufffde"]


def test_a_text_longer_than_a_cell_is_cut_and_says_so() -> None:
    text = cells(["x"], [["å" * 40_000]])[0][1][0]
    assert len(text) == exports.CELL
    assert text.endswith(exports.CUT)


def test_a_workbook_comes_in_small_pieces_and_can_be_broken_off() -> None:
    rows = ([hashlib.sha256(str(n).encode()).hexdigest()] for n in range(5_000))
    pieces: Any = xlsx_pieces(["x"], rows)
    assert len(next(pieces)) == PIECE_BYTES
    pieces.close()  # whoever asked for it went away
    assert list(pieces) == []


def test_a_sheet_can_be_filtered_and_its_header_stays_in_sight() -> None:
    sheet = made(["id", "name"], [[1, "a"], [2, "b"]]).active
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:B3")


def test_an_error_among_the_rows_breaks_the_workbook_off() -> None:
    def rows() -> Iterator[list[int]]:
        yield [1]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        list(xlsx_pieces(["n"], rows()))


def peak_bytes(rows: int) -> int:
    tracemalloc.start()
    try:
        for _piece in xlsx_pieces(["id", "name"], ([n, f"Åsa {n}"] for n in range(rows))):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_memory_of_a_workbook_does_not_grow_with_its_rows() -> None:
    peak_bytes(10)
    few = peak_bytes(500)
    many = peak_bytes(10_000)
    assert many < few + 500_000  # the strings alone of 9,500 more rows weigh more


def test_columns_are_as_wide_as_their_rows_and_sheets_have_names_that_excel_allows() -> None:
    rows: list[list[Any]] = [
        ["short", "a sentence that needs its room"],
        [None, "first\nthe longest line of a cell"],
    ]
    pieces = xlsx_pieces(["Customer", "Error"], rows, sheet_rows=3, title="Results: of [7]/2 ?")
    book = load_workbook(io.BytesIO(b"".join(pieces)))
    assert len(book.sheetnames) == 1
    assert not set(book.sheetnames[0]) & set("[]:*?/\\")
    wide = {name: column.width for name, column in book.active.column_dimensions.items()}
    assert wide["A"] < len("a sentence that needs its room") < wide["B"]


def test_a_further_sheet_has_a_number() -> None:
    pieces = xlsx_pieces(["n"], ([n] for n in range(5)), sheet_rows=3, title="x" * 40)
    names = load_workbook(io.BytesIO(b"".join(pieces))).sheetnames
    assert names == ["x" * 27, f"{'x' * 27} 2", f"{'x' * 27} 3"]
