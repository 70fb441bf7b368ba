"""Separators, quotation marks and row numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.csv.credentials import CredentialRow, Refusal, RefusedRow
from tests.bills.csv_upload import CANARY, Upload

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def load(tmp_path: Path) -> Upload:
    return Upload(tmp_path)


def test_excels_own_separator_line_is_obeyed_and_not_counted_as_a_row(load: Upload) -> None:
    [row] = load.accepted("sep=;\r\nemail;password\r\na@b.se;p,w\r\n")
    assert (row.row, row.password) == (2, "p,w")


def test_blank_rows_are_left_out_but_counted_in_row_numbers(load: Upload) -> None:
    rows = load.accepted("\nemail,password\n\na@b.se,pw\n , \n\nb@b.se,pw\n")
    assert [row.row for row in rows] == [4, 7]


def test_a_row_number_is_what_a_spreadsheet_shows_and_the_line_is_named_beside(
    load: Upload,
) -> None:
    [refused] = load.refused('email,password\na@b.se,"one\ntwo"\nb@b.se,\n')
    assert (refused.row, refused.line, refused.code) == (3, 4, Refusal.PASSWORD)
    assert refused.message == (
        "may.csv, row 3 (line 4): the password is empty. Fill it in, or delete the row."
    )


@pytest.mark.parametrize(
    ("separator", "label"),
    [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "vertical bar")],
)
def test_the_separator_is_found_from_the_header_alone(
    load: Upload, separator: str, label: str
) -> None:
    others = "".join({",", ";", "\t", "|"} - {separator})
    content = f"email{separator}password\na@b.se{separator}p{others}w\n"
    assert load.pairs(content) == [("a@b.se", f"p{others}w")]
    assert load.preview(content).separator == label


@pytest.mark.parametrize(
    "rest",
    [
        f'b@b.se,"{CANARY}\nc@b.se,pw\n',  # open to the end of the file
        f'b@b.se,"{CANARY}\nc@b.se,"pw"\n',  # a later quote closes it, then text follows
        f'b@b.se,"{CANARY}\nc@b.se,pw\nd@b.se,"\n',  # a later quote closes it at a line's end
        f'b@b.se,"{CANARY}\nc@b.se,pw"\n',  # one row only is swallowed
        f'"b@b.se,{CANARY}\nc@b.se",pw,pw\n',  # the cells no longer fit the header
        f'b,"{CANARY}\nc,pw\nd,pw"\n',  # user names instead of e-mails
        f'b@b.se,"{CANARY}"x"\n',  # a quote within a quoted cell, and an odd number of them
        f'b@b.se,"{CANARY}\n' + "c@b.se,pw\n" * 20_000,  # grows past the longest cell
    ],
)
def test_an_unclosed_quote_refuses_the_file_and_names_its_row(load: Upload, rest: str) -> None:
    message = load.error('email,password\na@b.se,"one\ntwo"\n' + rest)
    assert message.startswith("may.csv, row 3 (line")
    assert "quotation mark" in message
    assert "Nothing of this file was taken." in message
    assert CANARY not in message


def test_an_unclosed_quote_in_the_header_refuses_the_file(load: Upload) -> None:
    assert load.error('email,"password\na@b.se,pw\n').startswith(
        "may.csv, row 1: a quotation mark"
    )


def test_a_stray_quote_within_one_line_refuses_only_that_row(load: Upload) -> None:
    rows = load.rows(f'email,password,id\na@b.se,"{CANARY}"x,1\nb@b.se,p"w,2\n')
    assert isinstance(rows[0], RefusedRow)
    assert rows[0].message == (
        "may.csv, row 2: a quotation mark stands within a quoted cell. Put a quotation mark at "
        'both ends of a cell, and double one that belongs to the text: "a""b".'
    )
    assert isinstance(rows[1], CredentialRow)
    assert rows[1].password == 'p"w'


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_field_over_131072_characters_refuses_its_row(load: Upload, quote: str) -> None:
    longest = "x" * 131_072
    rows = load.rows(
        f"email,password\na@b.se,{quote}{longest}{quote}\n"
        f"b@b.se,{quote}{longest}x{quote}\nc@b.se,pw\n"
    )
    assert [type(row) for row in rows] == [CredentialRow, RefusedRow, CredentialRow]
    assert isinstance(rows[1], RefusedRow)
    assert (
        rows[1].message == "may.csv, row 3: a cell is longer than 131,072 characters. Shorten it."
    )
