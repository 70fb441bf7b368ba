"""Makes what a customer API said fit to be shown: no secrets, no control characters, cut."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from imports.http.redaction import scrub as scrub_all

if TYPE_CHECKING:
    from collections.abc import Iterable

EXCERPT_CHARS = 2_000
MESSAGE_CHARS = 500
PAGE_CHARS = 150
SHORTEST_SECRET = 4  # removing shorter ones would shred the text and hide nothing

# NUL does not fit in PostgreSQL, a lone surrogate not in UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BINARY = re.compile("[\x00-\x08\x0e-\x1f]")
_MARKS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, in whatever encoding they stand there."""
    return scrub_all(text, secrets, shortest=SHORTEST_SECRET)


def excerpt(body: bytes, secrets: Iterable[str]) -> str:
    """The beginning of an answer, for an operator to read."""
    text = cut(scrub(body.decode("utf-8", "replace"), secrets), EXCERPT_CHARS)
    return text.replace("\0", "\ufffd")


def one_line(text: str, secrets: Iterable[str]) -> str:
    """A message from the other side, fit to stand inside a sentence."""
    flat = _CONTROLS.sub(" ", _UNSTORABLE.sub("\ufffd", text)).strip()
    return cut(scrub(flat, secrets), MESSAGE_CHARS)


def page_text(body: bytes) -> str:
    """What a page that is no JSON says, without its marks; "" for anything but text."""
    text = body[:4_000].decode("utf-8", "ignore")
    if _BINARY.search(text):
        return ""
    return cut(_CONTROLS.sub(" ", html.unescape(_MARKS.sub(" ", text))).strip(), PAGE_CHARS)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with a sign that something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
