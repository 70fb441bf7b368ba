"""Exports: nothing that a spreadsheet would run, nothing lost, and Swedish names right."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from imports import exports
from imports.exports import csv_rows, safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

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
