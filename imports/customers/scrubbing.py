"""Takes secrets, and what a database or a log can't hold, out of text that others wrote."""

from __future__ import annotations

import base64
import html
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EXCERPT_CHARS = 2_000
MESSAGE_CHARS = 500
PAGE_CHARS = 150
SHORTEST_SECRET = 4  # removing shorter ones would shred the text and hide nothing
REPLACEMENT = "[secret]"

# NUL does not fit in PostgreSQL, a lone surrogate not in UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BINARY = re.compile("[\x00-\x08\x0e-\x1f]")
_MARKS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets: raw, URL-, JSON-, HTML- and base64-encoded."""
    for form in _all_forms(tuple(secrets)):
        text = text.replace(form, REPLACEMENT)
    return text


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


@lru_cache(maxsize=16)
def _all_forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """All the ways in which a server may say our secrets back to us, the longest first."""
    long_enough = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
    forms = {f for s in long_enough for f in (s, *_quoted(s), *_escaped(s), *_base64(s))}
    return tuple(sorted(forms, key=len, reverse=True))


def _quoted(secret: str) -> Iterator[str]:
    for form in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield form
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), form)


def _escaped(secret: str) -> Iterator[str]:
    yield html.escape(secret)
    yield html.escape(secret).replace("&#x27;", "&#39;")
    for ascii_only in (True, False):
        form = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield from (form, form.replace("/", "\\/"))
        # Go, Jackson and .NET also write these as escapes.
        safe = re.sub(r"[&<>'+]", lambda found: f"\\u{ord(found[0]):04x}", form)
        yield safe
        yield re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), safe)


def _base64(secret: str) -> Iterator[str]:
    """The part of any base64 text that this secret alone determines, at each of three offsets."""
    raw = secret.encode("utf-8", "replace")
    for offset in range(3):
        coded = base64.b64encode(bytes(offset) + raw).decode()
        start = (0, 2, 3)[offset]
        end = (offset + len(raw)) * 8 // 6
        core = coded[start:end]
        if len(core) >= SHORTEST_SECRET:
            yield core
            yield core.replace("+", "-").replace("/", "_")
