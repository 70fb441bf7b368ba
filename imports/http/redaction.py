"""Takes secrets out of text that others wrote, in whatever encoding they stand there.

The text is decoded, the secrets are sought in what comes of it, and what was found is removed
from the text as it was. Each step reads the text once, so the time it takes is linear in the
text's length, whatever a hostile page holds: a single regular expression for "this secret in any
mixture of encodings" is not (3,000 backslashes would keep it busy for good).
"""

from __future__ import annotations

import base64
import html
import json
import re
from array import array
from bisect import bisect_right
from functools import lru_cache
from html.entities import html5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN = "[secret]"
SHORTEST_PART = 4  # characters: a shorter part of a secret would be found in any text
SHORTEST_FOLDED = 6  # characters: what is shorter in the other case is an ordinary word
SHORTEST_REST = 3  # of a secret whose backslashes are taken for mere quotes
MOST_PASSES = 6  # JSON in a URL in HTML in Latin-1 takes four
CUT_MARGIN = 4096  # characters in which the first part of a secret may stand where a text is cut

# One encoded character. Every alternative begins with a character that can't go on inside it, so
# that no text is read over and over: `%25252526`, `&amp;amp;amp;#38;`, `\\\\\u0026`, and UTF-8
# that was read as Latin-1.
ENCODED = re.compile(
    r"""
    %(?:25)*(?:u([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))
    | &(?:amp;)*(?:\#0*([0-9]{1,7});
                 | \#[xX]0*([0-9a-fA-F]{1,6});
                 | ([a-zA-Z][a-zA-Z0-9]{1,31};))
    | \\+(?:u([0-9a-fA-F]{4})|u\{0*([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2}))?
    | ([\ud800-\udbff][\udc00-\udfff])
    | ([\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})
    """,
    re.VERBOSE,
)
# Each alternative begins with one of these, and most texts hold none of them.
BEGINS_ENCODED = re.compile(r"[%&\\\xc2-\xf4\ud800-\udbff]")
HEXADECIMAL_GROUPS = (1, 2, 4, 6, 7, 8)
# How a secret may begin or end so that, beside a `%`, `&` or backslash of the text's own, it
# reads as something else: "100%" before "41…", or "&" at its end before "lt;".
SWALLOWED_STARTS = (
    re.compile(r"[0-9a-fA-F]"),
    re.compile(r"[0-9a-fA-F]{2}"),
    re.compile(r"[0-9a-fA-F]{3}"),
    re.compile(r"x?[0-9a-fA-F]{2}"),
    re.compile(r"u?[0-9a-fA-F]{4}"),
    re.compile(r"#?\w{0,31};"),
)
SWALLOWED_END = re.compile(r"(?:%[0-9a-fA-F]?|&[#\w]{0,8}|\\+(?:[ux][0-9a-fA-F]{0,3})?)\Z")


def scrub(text: str, secrets: Iterable[str], *, shortest: int = 1) -> str:
    """The text without any of the secrets, whatever mixture of encodings it stands in.

    Raw, URL-, HTML- and JSON-encoded (also twice), backslash-quoted, and base64 at any offset.
    Secrets with fewer than `shortest` characters are left alone.
    """
    found = _found(text, forms_of(secrets, shortest))
    if not found:
        return text
    pieces, end = [], 0
    for start, stop in _merged(found):
        pieces += [text[end:start], HIDDEN]
        end = stop
    return "".join((*pieces, text[end:]))


def scrub_cut(text: str, secrets: Iterable[str], limit: int) -> str:
    """As `scrub`, at most `limit` characters: no part of a secret is left at the cut."""
    if len(text) <= limit:
        return scrub(text, secrets)[:limit]
    clean = scrub(text[: limit + CUT_MARGIN], secrets)
    return clean[: max(0, min(limit, len(clean) - CUT_MARGIN))]


def scrub_bytes(content: bytes, secrets: Iterable[str]) -> bytes:
    """As `scrub`, for UTF-8 and for Latin-1 content. Bytes that are no text stay as they are."""
    # Latin-1 maps each byte to one character, so nothing is lost on the way there and back.
    return scrub(content.decode("latin-1"), secrets).encode("latin-1")


def holds_secret(text: str, secrets: Iterable[str]) -> bool:
    """Whether any of the secrets stands in the text, in any encoding."""
    return bool(_found(text, forms_of(secrets)))


def storable(text: str) -> str:
    """The text without what a database can't hold: NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def forms_of(secrets: Iterable[str], shortest: int = 1) -> tuple[str, ...]:
    """The secrets, and what is left of them where a page trims the blanks at their ends."""
    wanted = {
        form
        for secret in secrets
        if len(secret) >= shortest
        for form in (secret, secret.strip())
        if form
    }
    return tuple(sorted(wanted, key=len, reverse=True))


def _found(text: str, secrets: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where the secrets stand in the text, as (start, end); they may overlap."""
    wanted = _Wanted.of(secrets)
    found: list[tuple[int, int]] = []
    decoded: list[_Decoded] = []
    while True:
        for start, end in wanted.places(text):
            for layer in reversed(decoded):
                start, end = layer.start_before(start), layer.end_before(end)
            found.append((start, end))
        if len(decoded) == MOST_PASSES:
            return found
        layer = _Decoded(text)
        if layer.text == text:
            return found
        decoded.append(layer)
        text = layer.text


def _merged(places: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Places that overlap as one."""
    start, end = -1, -1
    for first, last in sorted(places):
        if first >= end:
            if end > start:
                yield start, end
            start, end = first, last
        end = max(end, last)
    if end > start:
        yield start, end


class _Decoded:
    """A text with one layer of encoding taken off, and where its characters came from."""

    def __init__(self, text: str) -> None:
        # Of each character that was encoded: where it stands now, and where its code stood.
        self._starts, self._ends = array("q"), array("q")
        self._from, self._to = array("q"), array("q")
        pieces, end, length = [], 0, 0
        for code in ENCODED.finditer(text) if BEGINS_ENCODED.search(text) else ():
            plain = _plain(code)
            if plain is None:
                continue
            pieces += [text[end : code.start()], plain]
            length += code.start() - end
            self._starts.append(length)
            length += len(plain)
            self._ends.append(length)
            self._from.append(code.start())
            end = code.end()
            self._to.append(end)
        self.text = "".join((*pieces, text[end:]))

    def start_before(self, place: int) -> int:
        """Where the character at this place began before it was decoded."""
        at = bisect_right(self._starts, place) - 1
        if at < 0:
            return place
        if place < self._ends[at]:
            return self._from[at]
        return self._to[at] + place - self._ends[at]

    def end_before(self, place: int) -> int:
        """Where the character before this place ended."""
        last = place - 1
        at = bisect_right(self._starts, last) - 1
        if at < 0:
            return place
        if last < self._ends[at]:
            return self._to[at]
        return self._to[at] + place - self._ends[at]


def _plain(code: re.Match[str]) -> str | None:
    """What one encoded character stands for; None where it is none after all."""
    group = code.lastindex
    if group is None:  # backslashes that only quote what follows them
        return ""
    value = code[group]
    if group in HEXADECIMAL_GROUPS:
        return _character(int(value, 16))
    if group == 3:
        return _character(int(value))
    if group == 5:  # of a name that nobody knows, only its ampersand was encoded
        return html5.get(value) or (f"&{value}" if "&amp;" in code[0] else None)
    if group == 9:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None


def _character(number: int) -> str | None:
    return chr(number) if number < 0x110000 else None


def _canonical(text: str) -> str:
    """The text with every layer of encoding taken off."""
    for _ in range(MOST_PASSES):
        before, text = text, _Decoded(text).text
        if text == before:
            break
    return text


class _Wanted:
    """What is sought of some secrets in a text, before and after it is decoded."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        sought = {form for secret in secrets for form in _sought(secret)}
        self.forms = sorted(sought, key=len, reverse=True)
        # "+" is a blank in what a form sends.
        self.blanks = [form.replace("+", " ") for form in self.forms if " " in form]

    @staticmethod
    @lru_cache(maxsize=256)
    def of(secrets: tuple[str, ...]) -> _Wanted:
        return _Wanted(secrets)

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        for form in self.forms:
            yield from _places(text, form)
        if self.blanks and "+" in text:
            text = text.replace("+", " ")
            for form in self.blanks:
                yield from _places(text, form)


def _places(text: str, form: str) -> Iterator[tuple[int, int]]:
    at = text.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = text.find(form, at + len(form))


def _sought(secret: str) -> Iterator[str]:
    """A secret as it may look in a text, or in a text that has been decoded."""
    yield secret
    if len(secret) >= SHORTEST_PART:
        coded = secret.encode("utf-8", "replace").hex()
        yield from (coded, coded.upper())
    if len(secret) >= SHORTEST_FOLDED:  # labels are read in small letters, headings have capitals
        yield from (secret.lower(), secret.upper())
    if not secret.isascii():
        yield secret.encode("utf-8", "replace").decode("latin-1")
    yield from _base64_cores(secret)
    quoted = json.dumps(secret)[1:-1]
    yield quoted
    yield html.escape(secret)
    for whole in (secret, quoted):  # "\n" becomes "n": a line end is sought that way too
        plain = _canonical(whole)
        if len(plain) >= min(SHORTEST_REST, len(secret)):
            yield plain
        yield from filter(lambda part: len(part) >= SHORTEST_PART, _parts(plain))
    yield from filter(lambda part: len(part) >= SHORTEST_PART, _parts(secret))


def _parts(secret: str) -> Iterator[str]:
    """What is left of the secret where its beginning or its end reads as something else."""
    for kind in SWALLOWED_STARTS:
        if start := kind.match(secret):
            yield _canonical(secret[start.end() :])
    if end := SWALLOWED_END.search(secret):
        yield _canonical(secret[: end.start()])


def _base64_cores(secret: str) -> Iterator[str]:
    """What is the same in every base64 text that holds the secret, for each of three offsets."""
    for charset in ("utf-8", "latin-1"):
        raw = secret.encode(charset, errors="ignore")
        for offset in range(3):
            coded = base64.b64encode(b"\0" * offset + raw).decode()
            first = (offset * 8 + 5) // 6  # the characters that also carry bits from before
            last = (offset + len(raw)) * 8 // 6  # and those that carry bits from after
            core = coded[first:last]
            if len(core) >= SHORTEST_PART:
                yield core
                yield core.replace("+", "-").replace("/", "_")


EXCERPT_CHARS = 2_000
MESSAGE_CHARS = 500
PAGE_CHARS = 150
SHORTEST_SECRET = 4  # removing shorter ones would shred the text and hide nothing

# NUL does not fit in PostgreSQL, a lone surrogate not in UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BINARY = re.compile("[\x00-\x08\x0e-\x1f]")
_MARKS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


def scrub_answer(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, in whatever encoding they stand there."""
    return scrub(text, secrets, shortest=SHORTEST_SECRET)


def excerpt(body: bytes, secrets: Iterable[str]) -> str:
    """The beginning of an answer, for an operator to read."""
    text = cut(scrub_answer(body.decode("utf-8", "replace"), secrets), EXCERPT_CHARS)
    return text.replace("\0", "\ufffd")


def one_line(text: str, secrets: Iterable[str]) -> str:
    """A message from the other side, fit to stand inside a sentence."""
    flat = _CONTROLS.sub(" ", _UNSTORABLE.sub("\ufffd", text)).strip()
    return cut(scrub_answer(flat, secrets), MESSAGE_CHARS)


def page_text(body: bytes) -> str:
    """What a page that is no JSON says, without its marks; "" for anything but text."""
    text = body[:4_000].decode("utf-8", "ignore")
    if _BINARY.search(text):
        return ""
    return cut(_CONTROLS.sub(" ", html.unescape(_MARKS.sub(" ", text))).strip(), PAGE_CHARS)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with a sign that something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
