"""No encoding that a text carries a password in gets past the scrubbing."""

from __future__ import annotations

import base64
import html
import json
import random
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from bills.browser.evidence import scrub_zip
from imports.http.redaction import HIDDEN, holds_secret, scrub, scrub_bytes, storable
from tests.bills.browsing import CANARY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENCODERS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "url": lambda text: quote(text, safe=""),
    "url, slash kept": quote,
    "url, small digits": lambda text: quote(text, safe="").replace("%C3%A5", "%c3%a5"),
    "url, Latin-1": lambda text: quote(text, safe="", encoding="latin-1"),
    "form": quote_plus,
    "url twice": lambda text: quote(quote(text, safe=""), safe=""),
    "html": html.escape,
    "html, quotes kept": lambda text: html.escape(text, quote=False),
    "html, numbers": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "html, hexadecimal": lambda text: "".join(f"&#x{ord(letter):X};" for letter in text),
    "html, names": lambda text: html.escape(text).replace("å", "&aring;").replace("é", "&eacute;"),
    "html twice": lambda text: html.escape(html.escape(text)),
    "json": json.dumps,
    "json, letters kept": lambda text: json.dumps(text, ensure_ascii=False),
    "json twice": lambda text: json.dumps(json.dumps(text)),
    "json, slashes quoted": lambda text: json.dumps(text).replace("/", "\\/"),
    "json of html": lambda text: json.dumps(html.escape(text)),
    "repr": repr,
    "capitals": str.upper,
    "small letters": str.lower,
    "hexadecimal digits": lambda text: text.encode().hex(),
    "script": lambda text: "".join(f"\\x{ord(letter):02x}" for letter in text),
}


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS.keys())
def test_a_password_is_found_in_every_encoding(encoder: Callable[[str], str]) -> None:
    inside = f'before fill("{encoder(CANARY)}") after'
    clean = scrub(inside, [CANARY])
    assert clean.startswith("before fill(")
    assert clean.endswith(") after")
    assert HIDDEN in clean
    assert "canary" not in clean
    assert "%C3%A5" not in clean
    assert holds_secret(inside, [CANARY])
    assert not holds_secret(clean, [CANARY])


@pytest.mark.parametrize("offset", range(3))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_password_is_found_in_base64_at_any_offset(
    offset: int, encode: Callable[[bytes], bytes]
) -> None:
    coded = encode(b"ann:"[:offset] + CANARY.encode() + b" and more").decode()
    clean = scrub(f"Authorization: Basic {coded}", [CANARY])
    assert HIDDEN in clean
    whole = clean.split()[-1].replace(HIDDEN, "")
    assert len(whole) < len(coded) / 2


def test_a_password_is_found_when_each_letter_is_encoded_differently() -> None:
    chance = random.Random(7)
    encoders: list[Callable[[str], str]] = [
        str,
        lambda c: quote(c, safe=""),
        html.escape,
        lambda c: json.dumps(c)[1:-1],
    ]
    for _ in range(200):
        mixed = "".join(chance.choice(encoders)(letter) for letter in CANARY)
        assert scrub(mixed, [CANARY]) == HIDDEN, mixed


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_bytes_are_scrubbed_in_utf_8_and_in_latin_1(charset: str) -> None:
    content = b"\x00\xff" + f"<p>{html.escape(CANARY)}</p>".encode(charset) + b"\xfe"
    assert scrub_bytes(content, [CANARY]) == b"\x00\xff<p>" + HIDDEN.encode() + b"</p>\xfe"


def test_text_without_the_password_stays_as_it_is() -> None:
    text = 'Nothing to see: 100 % & "fine" \\ <b>åéö</b> canary'
    assert scrub(text, [CANARY]) == text
    assert scrub(text, [""]) == text
    assert scrub_bytes(bytes(range(256)), [CANARY]) == bytes(range(256))


def test_a_password_with_a_blank_at_its_end_is_also_found_without_it() -> None:
    assert scrub("fill hunter2!", [" hunter2 "]) == f"fill {HIDDEN}!"


def test_what_a_database_cannot_hold_is_left_out() -> None:
    assert storable("a\0b\ud800å") == "ab?å"


def test_a_zip_is_scrubbed_member_by_member_and_pictures_are_left(tmp_path: Path) -> None:
    picture = b"\x89PNG" + CANARY.encode()
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as old:
        old.writestr("trace.network", json.dumps({"postData": quote_plus(CANARY)}))
        old.writestr("page.png", picture)
    scrub_zip(tmp_path / "old.zip", tmp_path / "new.zip", [CANARY])
    with zipfile.ZipFile(tmp_path / "new.zip") as new:
        assert json.loads(new.read("trace.network")) == {"postData": HIDDEN}
        assert new.read("page.png") == picture
