"""Which columns of a credential CSV are e-mail and password, and which are kept beside them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bills.csv_text import UnreadableCsv

if TYPE_CHECKING:
    from collections.abc import Sequence

# In order of preference: where a file has several of these, the first found is what is typed in.
EMAIL_KEYS = (
    *("credusername", "creduser", "credemail", "credlogin"),
    *("email", "emailaddress", "epost", "epostadress", "epostadresse", "mail", "mailadress"),
    *("mejl", "mejladress", "useremail", "loginemail"),
    *("username", "user", "userid", "login", "loginname", "loginid"),
    *("användarnamn", "anvandarnamn", "användare", "inloggning", "inloggningsnamn"),
    *("brukernavn", "brugernavn", "käyttäjätunnus", "benutzername", "benutzer"),
)
PASSWORD_KEYS = (
    *("credpassword", "credpass", "credpwd", "password", "passwd", "pass", "pwd", "pw"),
    *("userpassword", "loginpassword", "lösenord", "losenord", "passord", "adgangskode"),
    *("salasana", "passwort", "kennwort"),
)
SECRET_WORDS = ("password", "passwd", "lösenord", "losenord", "passord", "passwort", "kennwort")
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"  # marks and joiners that spreadsheets leave behind


@dataclass(frozen=True, slots=True)
class Columns:
    """The header: names as written ("" where a heading is empty), and two positions from 0."""

    names: tuple[str, ...]
    email: int
    password: int
    warning: str = ""

    @property
    def extras(self) -> list[tuple[int, str]]:
        """Position and name of each column that is kept and shown, in the file's order."""
        found = enumerate(self.names)
        return [(at, name) for at, name in found if name and at not in (self.email, self.password)]


def trimmed(text: str) -> str:
    """Without the spaces (also no-break ones) and invisible marks around it."""
    before = None
    while before != text:
        before, text = text, text.strip().strip(INVISIBLE)
    return text


def key(heading: str) -> str:
    """A heading as it is compared: letters and digits only, whatever the case or Unicode form."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def score(cells: Sequence[str]) -> tuple[int, int]:
    """How well these cells serve as a header: roles found (0 to 2), then number of headings."""
    keys = {key(cell) for cell in cells}
    roles = bool(keys & set(EMAIL_KEYS)) + bool(keys & set(PASSWORD_KEYS))
    return roles, len(cells)


def columns_of(cells: Sequence[str], where: str) -> Columns:
    """The columns of a header. `where` is the file and row, for messages.

    Raises UnreadableCsv for a header without both roles, with one name twice, or with a second
    column of passwords (extra columns are shown, so it would be shown too).
    """
    names = tuple(trimmed(cell) for cell in cells)
    keys = [key(name) or name for name in names]  # a heading such as "#" has no letters
    emails = [keys.index(known) for known in EMAIL_KEYS if known in keys]
    passwords = [keys.index(known) for known in PASSWORD_KEYS if known in keys]
    if not emails or not passwords:
        raise UnreadableCsv(_missing(names, bool(emails), bool(passwords), where))
    _refuse_one_name_twice(names, keys, where)
    _refuse_a_second_secret(names, keys, passwords[0], where)
    return Columns(names, emails[0], passwords[0], _other_logins(names, emails, where))


def _missing(names: Sequence[str], email: bool, password: bool, where: str) -> str:
    remedy = "The first row must name the columns, such as: email,password"
    if not email and not password:
        # Nothing shows that this row is a header: it may be a credential, so it is not repeated.
        count = "1 cell" if len(names) == 1 else f"{len(names)} cells"
        return (
            f"{where}: none of its {count} names a column for the e-mail or the password. "
            f"{remedy}. Columns are separated by comma, semicolon, tab or |."
        )
    missing = "e-mail" if password else "password"
    found = ", ".join(f"“{name}”" for name in names if name)
    return f"{where}: no column for the {missing}. Found: {found}. {remedy}"


def _refuse_one_name_twice(names: Sequence[str], keys: Sequence[str], where: str) -> None:
    for at, this in enumerate(keys):
        if this and this in keys[:at]:
            raise UnreadableCsv(
                f"{where}: columns {keys.index(this) + 1} and {at + 1} are both named "
                f"“{names[at]}”. Rename or remove one of them."
            )


def _refuse_a_second_secret(
    names: Sequence[str], keys: Sequence[str], password: int, where: str
) -> None:
    for at, this in enumerate(keys):
        secret = this in PASSWORD_KEYS or any(word in this for word in SECRET_WORDS)
        if at != password and secret:
            raise UnreadableCsv(
                f"{where}: besides “{names[password]}”, the column “{names[at]}” looks as if it "
                "held passwords, and extra columns are shown. Remove it or rename it."
            )


def _other_logins(names: Sequence[str], emails: Sequence[int], where: str) -> str:
    if len(emails) == 1:
        return ""
    others = ", ".join(f"“{names[at]}”" for at in emails[1:])
    return (
        f"{where}: the login is taken from “{names[emails[0]]}”; {others} is kept as extra "
        "information. Rename a column if that is the wrong way round."
    )
