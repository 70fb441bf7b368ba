"""Which rows are credentials, which are refused and in which words, and what is never shown."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from bills.csv import credentials
from bills.csv.credentials import CredentialRow, Refusal, RefusedRow, preview, read_credentials
from bills.csv.reader import UnreadableCsv
from tests.bills.csv_upload import CANARY, NAME, Upload

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def load(tmp_path: Path) -> Upload:
    return Upload(tmp_path)


def test_extra_columns_are_kept_in_order_and_verbatim(load: Upload) -> None:
    [row] = load.accepted(
        "cred_id,client_name,cred_username,cred_password, utility_co_name \n"
        "00123, Åsa Öberg ,a@b.se,pw,=cmd\n"
    )
    assert list(row.extras.items()) == [
        ("cred_id", "00123"),
        ("client_name", " Åsa Öberg "),
        ("utility_co_name", "=cmd"),
    ]


def test_a_file_from_a_swedish_excel_is_read_whole(load: Upload) -> None:
    content = (
        '\ufeff"E-post";"Lösenord";"client_name"\r\n'
        'asa@exempel.se\u00a0;" p;w""å ";00123\r\n'
        '  per@exempel.se ;"one\r\ntwo";"Per ""P"" Ek"\r\n'
    )
    rows = load.accepted(content)
    assert [(row.row, row.email, row.password, row.extras["client_name"]) for row in rows] == [
        (2, "asa@exempel.se", ' p;w"å ', "00123"),
        (3, "per@exempel.se", "one\r\ntwo", 'Per "P" Ek'),
    ]
    seen = load.preview(content)
    assert (seen.encoding, seen.separator) == ("UTF-8", "semicolon")
    assert (seen.email_column, seen.password_column) == ("E-post", "Lösenord")
    assert seen.extra_columns == ("client_name",)


def test_a_file_with_only_a_header_is_refused(load: Upload) -> None:
    expected = "may.csv has a header and no rows. Add one row for each credential."
    assert load.error("email,password\n") == load.error("email;password") == expected


def test_the_header_once_more_among_the_rows_is_no_credential(load: Upload) -> None:
    [refused] = load.refused("email,password\na@b.se,pw\nEmail , PASSWORD\n")
    assert (refused.row, refused.code) == (3, Refusal.HEADER)
    assert "it is the header once more. Delete the row." in refused.message


def test_a_row_with_a_cell_too_many_is_refused(load: Upload) -> None:
    first, second = load.refused("email,password\na@b.se,p,w\nb@b.se,pw,\nc@b.se,pw\n")
    assert first.message == (
        "may.csv, row 2: it has 3 cells, the header has 2. "
        "Put a text that holds the separator between quotation marks."
    )
    assert (second.row, second.code) == (3, Refusal.CELLS)


def test_a_cell_under_no_heading_is_refused_and_an_empty_one_is_not(load: Upload) -> None:
    rows = load.rows("email,password,\na@b.se,pw,\nb@b.se,p,w\n")
    assert isinstance(rows[0], CredentialRow)
    assert rows[0].extras == {}
    assert isinstance(rows[1], RefusedRow)
    assert rows[1].message.endswith("stands under no heading. Name its column or empty it.")


def test_a_short_row_is_refused(load: Upload) -> None:
    [refused] = load.refused("email,password,cred_id\na@b.se,pw\nb@b.se,pw,7\n")
    assert refused.message == (
        "may.csv, row 2: it has 2 cells, the header has 3. Fill in the missing cells."
    )


def test_a_nul_refuses_its_row(load: Upload) -> None:
    rows = load.rows("email,password\na@b.se,p\0w\nb@b.se,pw\n")
    assert isinstance(rows[0], RefusedRow)
    assert rows[0].message == (
        "may.csv, row 2: it holds a NUL character. Type the row again in the spreadsheet."
    )
    assert isinstance(rows[1], CredentialRow)


@pytest.mark.parametrize("inner", ["one\ntwo", "one\r\ntwo", "one\rtwo", "one\nt,w,o", "a\nb;c"])
def test_a_line_break_in_a_password_is_kept_exactly_and_warned_about(
    load: Upload, inner: str
) -> None:
    content = f'email,password\r\na@b.se,"{inner}"\r\nb@b.se,pw\r\n'
    assert load.pairs(content) == [("a@b.se", inner), ("b@b.se", "pw")]
    assert load.preview(content).warnings == (
        "may.csv, row 2: the password holds a line break. It is kept exactly so; correct the file "
        "if that is not meant.",
    )


def test_zeros_before_a_number_are_kept(load: Upload) -> None:
    [row] = load.accepted("email,password,cred_id\n00123,00456,00789\n")
    assert (row.email, row.password, row.extras) == ("00123", "00456", {"cred_id": "00789"})


@pytest.mark.parametrize("password", [" pw ", " pw", "pw\t", "\u00a0pw"])
def test_spaces_around_a_password_are_kept_and_warned_about(load: Upload, password: str) -> None:
    content = f'email,password\n a@b.se\u00a0,"{password}"\n'
    assert load.pairs(content) == [("a@b.se", password)]
    assert load.preview(content).warnings == (
        "may.csv, row 2: the password starts or ends with a space. It is kept exactly so; "
        "correct the file if that is not meant.",
    )


@pytest.mark.parametrize("row", ["a@b.se,", 'a@b.se,""', "a@b.se,  ", "a@b.se,\u00a0"])
def test_an_empty_password_refuses_its_row(load: Upload, row: str) -> None:
    [refused] = load.refused(f"email,password\n{row}\n")
    assert refused.message == (
        "may.csv, row 2: the password is empty. Fill it in, or delete the row."
    )


@pytest.mark.parametrize(
    ("email", "said"),
    [
        (" \u00a0", "is empty"),
        ("x" * 321, "is longer than 320 characters"),
        ('"a@b.se\nx"', "holds a line break or control character"),
        ("a\x1b@b.se", "holds a line break or control character"),
    ],
)
def test_an_email_that_cannot_be_one_refuses_its_row(load: Upload, email: str, said: str) -> None:
    [refused] = load.refused(f"email,password\n{email},{CANARY}\n")
    assert refused.code == Refusal.EMAIL
    assert said in refused.message


def test_a_formula_is_kept_as_text(load: Upload) -> None:
    formula = "=cmd|'/c calc'!A1"
    [row] = load.accepted(f"email,password,client_name\n{formula},{formula},{formula}\n")
    assert (row.email, row.password, row.extras["client_name"]) == (formula,) * 3


def test_one_email_twice_with_one_password_is_a_duplicate(load: Upload) -> None:
    content = "email,password\na@b.se,pw\nA@B.se ,pw\n"
    [refused] = load.refused(content)
    assert refused.message == (
        "may.csv, row 3: it has the same e-mail and password as row 2, which is kept. "
        "Delete one of the two."
    )
    seen = load.preview(content)
    assert (seen.rows, seen.accepted, seen.refused_total, seen.duplicates) == (2, 1, 1, 1)


def test_one_email_twice_with_two_passwords_keeps_the_first_and_names_it(load: Upload) -> None:
    content = f"email,password\na@b.se,pw\nb@b.se,pw\na@b.se,{CANARY}\na@b.se,pw3\n"
    first, second = load.refused(content)
    assert (first.row, first.code, second.row) == (4, Refusal.CONFLICT, 5)
    assert first.message == (
        "may.csv, row 4: it has the same e-mail as row 2 and another password; row 2 is kept. "
        "Keep the row whose password is right."
    )


def test_user_names_that_differ_by_case_are_two_accounts(load: Upload) -> None:
    assert len(load.accepted("username,password\nAnna,pw\nanna,pw\n")) == 2


def test_a_refused_row_does_not_make_a_later_good_one_a_duplicate(load: Upload) -> None:
    rows = load.rows("email,password\na@b.se,\na@b.se,pw\n")
    assert [type(row) for row in rows] == [RefusedRow, CredentialRow]


def test_rows_are_read_as_they_are_asked_for(load: Upload) -> None:
    """So that a million rows need no more memory than one: far more rows are there than read."""
    load.put("email,password\n" + "".join(f"{n}@b.se,pw{n}\n" for n in range(50_000)))
    rows = read_credentials(load.path, NAME)
    assert isinstance(next(rows), CredentialRow)
    load.path.write_bytes(b"")  # a reader that had taken it all in would not notice
    assert sum(1 for _ in rows) < 5_000


def test_a_preview_of_many_refused_rows_keeps_only_the_first(
    load: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "REFUSED_SHOWN", 3)
    seen = load.preview("email,password\n" + "a@b.se,\n" * 10)
    assert (seen.rows, seen.accepted, seen.refused_total) == (10, 0, 10)
    assert [row.row for row in seen.refused] == [2, 3, 4]


def test_a_preview_shows_the_first_rows_without_passwords(load: Upload) -> None:
    seen = load.preview(
        "email,password,cred_id\n" + "".join(f"{n}@b.se, {CANARY}{n},0{n}\n" for n in range(7))
    )
    assert [(row.row, row.email, row.extras) for row in seen.sample] == [
        (n + 2, f"{n}@b.se", {"cred_id": f"0{n}"}) for n in range(5)
    ]
    assert "rows 2, 3, 4, 5, 6 and 2 more: the password starts or ends" in seen.warnings[0]
    assert CANARY not in repr(seen)


def test_the_repr_of_a_credential_hides_its_password(load: Upload) -> None:
    [row] = load.accepted(f"email,password\na@b.se,{CANARY}\n")
    assert row.password == CANARY
    assert CANARY not in f"{row!r} {row}"


@pytest.mark.parametrize(
    "content",
    [
        f"email,password\na@b.se,{CANARY},{CANARY}\n",
        f"email,password\n{CANARY}\n",
        f'email,password\na@b.se,"{CANARY}"{CANARY}\n',
        f"email,password\na@b.se,{CANARY}\0\n",
        f"email,password\n,{CANARY}\n",
        f"email,password\na@b.se,{CANARY}\na@b.se,{CANARY}\n",
        f"email,password\na@b.se,{CANARY}\na@b.se,{CANARY}2\n",
        f"email,password\na@b.se,{CANARY * 20_000}\n",
    ],
)
def test_a_refused_row_never_shows_a_password(load: Upload, content: str) -> None:
    refused = load.refused(content)
    assert refused
    assert CANARY not in repr(refused) + "".join(row.message for row in refused)
    assert CANARY not in repr(load.preview(content))


@pytest.mark.parametrize(
    "content",
    [
        f"a@b.se;{CANARY}\n".encode(),
        f'email,password\na@b.se,"{CANARY}\n'.encode(),
        f'email,password\na@b.se,"{CANARY}\nb@b.se,x"\n'.encode(),
        f"email,password\na@b.se,{CANARY}\n".encode() + b"b@b.se,\xe5\n",
        f"email,password\na@b.se,{CANARY}\n".encode("cp1252") + b"\x81",
        f"email,password\na@b.se,{CANARY}\n".encode("utf-16")[:-1],
        f"email,password\na@b.se,{CANARY * 200_000}\n".encode(),
    ],
)
def test_the_traceback_of_a_refused_file_holds_no_password(load: Upload, content: bytes) -> None:
    load.put(content)
    with pytest.raises(UnreadableCsv) as refused:
        preview(load.path, NAME)
    assert refused.value.__context__ is None, "an inner error can carry the bytes it choked on"
    assert CANARY not in "".join(traceback.format_exception(refused.value))


def test_too_many_rows_get_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "MOST_ROWS", 2)
    path = tmp_path / "long.csv"
    path.write_text("email,password\n" + "".join(f"a{n}@b.se,secret\n" for n in range(3)))
    with pytest.raises(UnreadableCsv, match="more than 2 rows"):
        credentials.preview(path, path.name)
