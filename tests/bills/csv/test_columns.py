"""Which heading is the e-mail, which the password, and what a header may not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.csv.reader import UnreadableCsv, open_csv
from tests.bills.csv_upload import CANARY, Upload

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def load(tmp_path: Path) -> Upload:
    return Upload(tmp_path)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("email", "password"),
        ("cred_username", "cred_password"),
        ("cred_user", "cred_password"),
        ("username", "password"),
        ("E-post", "Lösenord"),
        ("E-POSTADRESS", "LÖSENORD"),
        ("\u00a0E mail\u00a0 ", " Pass\u00a0word "),
        ("Användarnamn", "Lo\u0308senord"),
        ("E-mail:", "Password*"),
    ],
)
def test_headings_are_recognised_whatever_their_case_spaces_and_unicode_form(
    load: Upload, email: str, password: str
) -> None:
    assert load.pairs(f"{email},{password}\na@b.se,pw\n") == [("a@b.se", "pw")]


def test_the_login_is_taken_from_the_credential_column_and_the_other_is_named(
    load: Upload,
) -> None:
    content = "email,cred_username,cred_password\nshown@b.se,typed@b.se,pw\n"
    [row] = load.accepted(content)
    assert (row.email, row.extras) == ("typed@b.se", {"email": "shown@b.se"})
    assert load.preview(content).warnings == (
        "may.csv, row 1: the login is taken from “cred_username”; “email” is kept as extra "
        "information. Rename a column if that is the wrong way round.",
    )


def test_a_second_column_of_passwords_is_refused_because_extras_are_shown(load: Upload) -> None:
    assert "“old_password” looks as if it held passwords" in load.error(
        "email,password,old_password\na@b.se,pw,older\n"
    )


@pytest.mark.parametrize(
    "header", ["email,password,email", "E-mail,password,email", "email,password,Id,id"]
)
def test_a_heading_twice_refuses_the_file(load: Upload, header: str) -> None:
    message = load.error(f"{header}\n" + ",".join("abcd"[: header.count(",") + 1]) + "\n")
    assert message.startswith("may.csv, row 1: columns ")
    assert "are both named" in message
    assert message.endswith("Rename or remove one of them.")


def test_a_missing_column_is_named_with_those_that_were_found(load: Upload) -> None:
    assert load.error("email,client_name\na@b.se,Åsa\n") == (
        "may.csv, row 1: no column for the password. Found: “email”, “client_name”. "
        "The first row must name the columns, such as: email,password"
    )
    assert "no column for the e-mail. Found: “Lösenord”" in load.error("Lösenord;Namn\na;b\n")


def test_a_file_without_a_header_is_refused_without_repeating_its_first_row(load: Upload) -> None:
    message = load.error(f"a@b.se,{CANARY}\n")
    assert "none of its 2 cells names a column" in message
    assert CANARY not in message
    assert "a@b.se" not in message


def test_too_many_columns_get_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("email,password," + ",".join(map(str, range(100_000))) + "\n")
    with pytest.raises(UnreadableCsv, match="100,002 columns"):
        open_csv(path, path.name)


def test_many_headings_without_a_password_are_not_all_repeated(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("email," + ",".join(f"{n}-{'x' * 900}" for n in range(900)) + "\n")
    with pytest.raises(UnreadableCsv, match="and 871 more") as refused:
        open_csv(path, path.name)
    assert len(refused.value.message) < 4000
