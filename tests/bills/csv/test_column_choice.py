"""An operator says which columns hold the login and the password; the rows stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.csv.column_choice import ColumnChoice, choose_columns, headings_of
from bills.csv.credentials import preview
from bills.csv.reader import UnreadableCsv
from tests.bills.csv_upload import CANARY, NAME, Upload

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def load(tmp_path: Path) -> Upload:
    return Upload(tmp_path)


def chosen(load: Upload, content: str | bytes, choice: ColumnChoice) -> list[tuple[str, str]]:
    load.put(content)
    choose_columns(load.path, NAME, choice)
    return load.pairs(load.path.read_bytes())


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_unknown_headings_are_chosen_in_every_dialect(
    codec: str, separator: str, ending: str, load: Upload
) -> None:
    rows = [["Konto", "Kod", "E-post"], ["åsa@b.se", "  p;w,1 ", "x@y.se"]]
    lines = [separator.join(f'"{cell}"' for cell in row) + ending for row in rows]
    content = "".join(lines).encode(codec)
    assert chosen(load, content, ColumnChoice(0, 1)) == [("åsa@b.se", "  p;w,1 ")]
    assert preview(load.path, NAME).extra_columns == ("E-post (extra)",)


def test_blank_lines_and_a_hint_of_excel_before_the_header_stay(load: Upload) -> None:
    content = "sep=;\n\nKund;Hemligt\na@b.se;1\n"
    assert chosen(load, content, ColumnChoice(0, 1)) == [("a@b.se", "1")]


def test_a_file_without_headings_loses_no_row(load: Upload) -> None:
    content = f"{CANARY};a@b.se\nother;c@d.se\n"
    load.put(content)
    found = headings_of(load.path, NAME)
    assert [(each.name, each.holds_addresses) for each in found] == [("", False), ("", True)]
    choice = ColumnChoice(login=1, password=0, has_header=False)
    assert chosen(load, content, choice) == [("a@b.se", CANARY), ("c@d.se", "other")]


def test_a_row_without_an_address_above_addresses_is_a_heading(load: Upload) -> None:
    load.put("Kund;Hemligt\na@b.se;1\nc@d.se;2\n")
    assert [each.name for each in headings_of(load.path, NAME)] == ["Kund", "Hemligt"]


def test_what_may_be_a_password_is_never_taken_for_a_heading(load: Upload) -> None:
    load.put(f"a@b.se,{CANARY}\n")
    assert CANARY not in repr(headings_of(load.path, NAME))


def test_a_second_column_of_passwords_is_still_refused(load: Upload) -> None:
    load.put(f"Konto,Kod,password\na@b.se,1,{CANARY}\n")
    choose_columns(load.path, NAME, ColumnChoice(0, 1))
    assert CANARY not in load.error(load.path.read_bytes())


@pytest.mark.parametrize(
    "choice", [ColumnChoice(0, 0), ColumnChoice(0, 7), ColumnChoice(0, 1, has_header=False)]
)
def test_a_choice_that_the_file_does_not_offer_is_refused(
    choice: ColumnChoice, load: Upload
) -> None:
    load.put("Konto,Kod,Nr\na@b.se,1,2\n")
    with pytest.raises(UnreadableCsv):
        choose_columns(load.path, NAME, choice)
