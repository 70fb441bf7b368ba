"""Takes secrets out of whatever is kept: errors, pages, traces; in whatever encoding."""

from __future__ import annotations

import base64
import html
import json
import re
import zipfile
from functools import lru_cache
from html.entities import codepoint2name
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HIDDEN = "[secret]"
SHORTEST_BASE64_CORE = 4  # fewer characters would be found in any text
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"wOF2", b"wOFF", b"RIFF")
REPEATED_CODINGS = 2  # a URL inside a URL: %26, then %2526


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text without any of the secrets, whatever mixture of encodings it stands in.

    Raw, URL-, HTML- and JSON-encoded (also twice), backslash-quoted, and base64 at any offset.
    """
    for form in forms_of(secrets):
        text = _pattern(form).sub(HIDDEN, text)
    return text


def scrub_bytes(content: bytes, secrets: Iterable[str]) -> bytes:
    """As `scrub`, for UTF-8 and for Latin-1 content. Bytes that are no text stay as they are."""
    wanted = tuple(secrets)
    # Latin-1 maps each byte to one character, so nothing is lost on the way there and back.
    text = scrub(content.decode("latin-1"), (as_utf8(secret) for secret in wanted))
    return scrub(text, wanted).encode("latin-1", errors="replace")


def holds_secret(text: str, secrets: Iterable[str]) -> bool:
    """Whether any of the secrets stands in the text, in any encoding."""
    return any(_pattern(form).search(text) for form in forms_of(secrets))


def scrub_zip(source: Path, target: Path, secrets: Iterable[str]) -> None:
    """Copy a zip with every member scrubbed, names too. Pictures are copied as they are."""
    wanted = tuple(secrets)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if not content.startswith(PICTURES):
                content = scrub_bytes(content, wanted)
            new.writestr(scrub(name, wanted), content)


def storable(text: str) -> str:
    """The text without what a database can't hold: NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def forms_of(secrets: Iterable[str]) -> list[str]:
    """The secrets, and what is left of them where a page trims the blanks at their ends."""
    wanted = {form for secret in secrets for form in (secret, secret.strip()) if form}
    return sorted(wanted, key=len, reverse=True)


def as_utf8(secret: str) -> str:
    """The secret as its UTF-8 bytes look when each byte is read as one character."""
    return secret.encode().decode("latin-1")


@lru_cache(maxsize=256)
def _pattern(secret: str) -> re.Pattern[str]:
    forms = ["".join(_any_form(character) for character in secret)]
    forms += [re.escape(form) for form in _base64_cores(secret)]
    return re.compile("|".join(forms))


def _any_form(character: str) -> str:
    r"""A pattern for one character in every encoding: raw, \", %26, %2526, &amp;, &#38;, &."""
    forms = {re.escape(character), *_percent_forms(character), *_json_forms(character)}
    if character == " ":
        forms.add(r"\+")
    for entity in _entities(character):
        forms.add(re.escape(entity).replace("&", "&(?:amp;)*", 1))
    longest_first = sorted(forms, key=len, reverse=True)
    return r"(?:\\)*(?:" + "|".join(longest_first) + ")"


def _percent_forms(character: str) -> set[str]:
    """%C3%A5 (UTF-8) and %E5 (Latin-1), in either case, `%` itself perhaps coded again."""
    forms = set()
    for charset in ("utf-8", "latin-1"):
        coded = "".join(
            f"%{byte:02X}" for byte in character.encode(charset, errors="ignore")
        ) or quote(character, safe="")
        again = "%" + "(?:25)" + f"{{0,{REPEATED_CODINGS}}}"
        forms.add("(?i:" + coded.replace("%", again) + ")")
    return forms


def _json_forms(character: str) -> set[str]:
    r"""å, \xe5 and %u00e5, in either case of their digits."""
    units = json.dumps(character)[1:-1]
    number = ord(character)
    forms = {rf"(?i:\\+u{number:04x})", rf"(?i:%u{number:04x})"} if number < 0x10000 else set()
    if number < 0x100:
        forms.add(rf"(?i:\\+x{number:02x})")
    if units.startswith("\\u"):
        forms.add("(?i:" + re.escape(units) + ")")
    return forms


def _entities(character: str) -> set[str]:
    number = ord(character)
    forms = {html.escape(character), f"&#{number};", f"&#x{number:x};", f"&#x{number:X};"}
    forms |= {f"&#0{number};", f"&#x0{number:x};"}
    if number in codepoint2name:
        forms.add(f"&{codepoint2name[number]};")
    if character == "'":
        forms.add("&apos;")
    return {form for form in forms if form.startswith("&") and len(form) > 1}


def _base64_cores(secret: str) -> set[str]:
    """What is the same in every base64 text that holds the secret, for each of three offsets."""
    cores = set()
    for charset in ("utf-8", "latin-1"):
        raw = secret.encode(charset, errors="ignore")
        for offset in range(3):
            coded = base64.b64encode(b"\0" * offset + raw).decode()
            first = (offset * 8 + 5) // 6  # the characters that also carry bits from before
            last = (offset + len(raw)) * 8 // 6  # and those that carry bits from after
            cores.add(coded[first:last])
    plain = {core for core in cores if len(core) >= SHORTEST_BASE64_CORE}
    return plain | {core.replace("+", "-").replace("/", "_") for core in plain}
