"""Month names of the languages that portals speak, and how each of them writes a date. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from babel import Locale

LANGUAGES = ("en", "sv", "nb", "da", "fi", "de", "nl", "fr", "es", "it", "pl")
ALIASES = {"no": "nb", "nn": "nb"}
# Beside what Babel knows: what portals print where the calendar's own short form is another.
SHORT_FORMS: dict[str, dict[str, int]] = {
    "en": {"sept": 9},
    "fr": {"jan": 1, "fev": 2, "avr": 4, "jul": 7, "aou": 8, "sept": 9},
    "es": {"set": 9, "setiembre": 9},
    "nl": {"maa": 3, "mrt": 3},
    "de": {"jaen": 1, "jaenner": 1, "janner": 1, "maerz": 3, "mrz": 3},
    "pl": {"paz": 10},
}
SHORTEST_NAME = 3  # letters: "ma" is no month
MONTH_FIRST = ("en_us", "en_ph", "en_pr")
DAY_FIRST_ENGLISH = re.compile(r"en_(gb|ie|au|nz|in|za|mt|sg)")


def language_of(lang: str) -> str:
    """The language of a page's `lang`, in Babel's letters; "" where it names none of ours."""
    first = re.split(r"[-_]", lang.strip().lower())[0]
    known = ALIASES.get(first, first)
    return known if known in LANGUAGES else ""


def is_month_first(lang: str) -> bool | None:
    """Whether 03/04 is the fourth of March in this `lang`. None where the language alone is told.

    English without a country may be read either way.
    """
    place = lang.strip().lower().replace("-", "_")
    if place in MONTH_FIRST:
        return True
    if DAY_FIRST_ENGLISH.match(place) or language_of(lang) not in ("", "en"):
        return False
    return None


def month_number(name: str, lang: str = "") -> int | None:
    """The month of a name or of its beginning ("Aoû", "juil.", "marraskuuta"); None if unsure.

    The page's language is asked first; then all the others, where they agree.
    """
    wanted = plain(name)
    if len(wanted) < SHORTEST_NAME:
        return None
    own = _meant(wanted, language_of(lang)) if language_of(lang) else None
    if own is not None:
        return own
    found = {_meant(wanted, language) for language in LANGUAGES} - {None}
    return found.pop() if len(found) == 1 else None


def plain(name: str) -> str:
    """Small letters without accents and points."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in apart if letter.isalpha())


def _meant(wanted: str, language: str) -> int | None:
    names = months_of(language)
    if wanted in names:
        return names[wanted]
    begun = {number for name, number in names.items() if name.startswith(wanted)}
    return begun.pop() if len(begun) == 1 else None


@cache
def months_of(language: str) -> dict[str, int]:
    """Every name of a month in one language, without accents."""
    months = Locale.parse(language).months
    names = {
        plain(name): number
        for context in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for number, name in months[context][width].items()
    }
    return names | SHORT_FORMS.get(language, {})
