"""Which bytes are text, and in which encoding."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from bills.csv.credentials import CredentialRow
from tests.bills.csv_upload import Upload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def load(tmp_path: Path) -> Upload:
    return Upload(tmp_path)


def test_an_empty_file_is_refused(load: Upload) -> None:
    assert load.error("") == "may.csv is empty. Choose the file that holds the credentials."
    for white in ("\ufeff", " \n\t\n", "\r\n\r\n"):
        assert "nothing but white space" in load.error(white)


@pytest.mark.parametrize("start", ["\ufeff", '\ufeff"', '\ufeff\ufeff"'])
def test_a_byte_order_mark_is_no_part_of_the_header(load: Upload, start: str) -> None:
    quote = '"' if start.endswith('"') else ""
    content = f"{start}email{quote},password\na@b.se,pw\n"
    assert load.pairs(content) == [("a@b.se", "pw")]
    assert load.preview(content).email_column == "email"


def test_a_file_that_is_one_endless_line_is_refused_before_it_fills_the_memory(
    load: Upload,
) -> None:
    assert "line 2: it is longer than 1,048,576 characters" in load.error(
        "email,password\n" + "x" * 2_000_000
    )


@pytest.mark.parametrize("ending", ["\r", "\n", "\r\n"])
def test_lines_may_end_in_cr_alone_or_lf_or_both(load: Upload, ending: str) -> None:
    content = ending.join(["email,password", "a@b.se,pw", "b@b.se,", ""])
    rows = load.rows(content)
    assert [row.row for row in rows] == [2, 3]
    assert isinstance(rows[0], CredentialRow)
    assert rows[0].password == "pw"


def test_windows_1252_is_read_with_a_warning(load: Upload) -> None:
    content = "e-post;lösenord\nåsa@b.se;pä–€\n".encode("cp1252")
    assert load.pairs(content) == [("åsa@b.se", "pä–€")]
    seen = load.preview(content)
    assert seen.encoding == "Windows-1252"
    assert seen.warnings[0].startswith("may.csv is not UTF-8 (first at line 1)")
    assert "Check that letters such as å, ä and ö look right" in seen.warnings[0]


def test_windows_1252_that_has_utf8_by_accident_is_still_windows_1252(load: Upload) -> None:
    accident = "ä–€"
    assert len(accident.encode("cp1252").decode("utf-8")) == 1
    content = f"email;password\na@b.se;{accident}\nb@b.se;på\n".encode("cp1252")
    assert load.pairs(content) == [("a@b.se", accident), ("b@b.se", "på")]


def test_utf_16_with_its_mark_is_read(load: Upload) -> None:
    content = "email\tpassword\nåsa@b.se\tpå\n"
    for codec in ("utf-16", "utf-32"):
        assert load.pairs(content.encode(codec)) == [("åsa@b.se", "på")]
    big_endian = b"\xfe\xff" + content.encode("utf-16-be")
    assert load.pairs(big_endian) == [("åsa@b.se", "på")]


def test_utf_16_without_its_mark_is_refused_with_the_remedy(load: Upload) -> None:
    message = load.error("email,password\na@b.se,pw\n".encode("utf-16-le"))
    assert "may be UTF-16 without its byte order mark" in message
    assert "save it as “CSV UTF-8”" in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("email,password\nå@b.se,på\n".encode() + b"b@b.se,\xe5\n", "line 3: other lines are"),
        (b"email,password\na@b.se,\x81\n", "line 2: it is neither UTF-8 nor Windows-1252"),
        (b"\xef\xbb\xbfemail,password\na@b.se,\xe5\n", "at or after line 2: the file begins as"),
        ("email,password\na@b.se,pw\n".encode("utf-16")[:-1], "damaged or cut off"),
    ],
)
def test_a_file_of_two_encodings_is_refused_because_guessing_alters_passwords(
    load: Upload, content: bytes, said: str
) -> None:
    assert said in load.error(content)


def xlsx() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (xlsx, "an Excel workbook (XLSX) or a ZIP archive"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, "an old Excel workbook (XLS)"),
        (lambda: b"%PDF-1.7\n", "a PDF document"),
    ],
)
def test_a_workbook_renamed_csv_is_refused_with_the_remedy(
    load: Upload, content: Callable[[], bytes], what: str
) -> None:
    assert load.error(content()) == (
        f"may.csv is {what}, whatever its name says. Open it in the spreadsheet and save it as "
        "“CSV UTF-8”, then upload that file."
    )
