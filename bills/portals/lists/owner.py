"""Whose account a page shows: what it says against the credential's own. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# "Logged in as": the address that follows is the account's.
LOGGED_IN_AS = re.compile(
    r"\b(?:(?:logged|signed) in as|inloggad som|(?:innlogget|pålogget|logget inn) som|"
    r"logget (?:ind|på) som|kirjautunut(?:\s*(?:nimellä|käyttäjänä|sisään))?|"
    r"(?:angemeldet|eingeloggt) als|(?:ingelogd|aangemeld) als|connectée? en tant que|"
    r"(?:conectad[oa]|sesión iniciada) como|(?:connesso|collegato|accesso effettuato) come|"
    r"zalogowan[oya] jako|zalogowany)\b",
    re.IGNORECASE,
)
LOGGED_IN_WITHIN = 80  # characters between those words and the address
# What numbers of an account are called, in columns of the CSV and on pages.
KINDS = {
    "customer": r"customer|kunde?n?|klant|client[e]?|cliente|asiakas|klient[a]?",
    "account": r"account|konto|rekening|compte|cuenta|conto|tili",
    "contract": r"contract|avtals?|aftale|avtale|sopimus|vertrags?|contrat[ot]?|umow[ay]",
}  # fmt: skip
_SIGN = r"(?:number|num|nummer|numero|número|numéro|numer|nro|nr|no|id|n[°º])"
_VALUE = r"(?P<value>\d[\d -]{2,}\d)(?![\d.,]|\s*(?:kr|€|\$|£|zł))"
LABELS = {
    kind: re.compile(
        rf"(?<!\w)(?<!bank )(?:(?:{names})[\s_-]?{_SIGN}\b"
        rf"|{_SIGN}\.?\s+(?:de |del |di )?(?:{names})\b)"
        rf"\s*[.:#]?\s*{_VALUE}",
        re.IGNORECASE,
    )
    for kind, names in KINDS.items()
}
COLUMNS = {kind: re.compile(names, re.IGNORECASE) for kind, names in KINDS.items()}


def other_user(around: str, menus: Iterable[str], email: str) -> str:
    """The e-mail address that the page says is logged in, where it is not this one; else ""."""
    if "@" not in email:
        return ""
    own = email.lower()
    named = [
        found[0].lower()
        for said in LOGGED_IN_AS.finditer(around)
        if (found := EMAIL.search(around, said.end(), said.end() + LOGGED_IN_WITHIN))
    ]
    named += [found[0].lower() for text in menus if (found := EMAIL.search(text))]
    if own in named or own in around.lower():
        return ""
    return named[0] if named else ""


def other_number(around: str, columns: dict[str, str]) -> str:
    """A number of the same name as a column's, where the page shows only another; else "".

    A page that shows the credential's own number anywhere is its own.
    """
    for name, value in columns.items():
        own = _digits(value)
        kind = next((kind for kind, say in COLUMNS.items() if say.search(name)), "")
        if not kind or len(own) < len("1234"):
            continue
        shown = [found["value"] for found in LABELS[kind].finditer(around)]
        if shown and own not in map(_digits, shown) and own not in _digits(around):
            return shown[0].strip()
    return ""


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
