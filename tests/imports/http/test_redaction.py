"""A secret is found in any encoding, and a hostile text costs no more than its length."""

from __future__ import annotations

import html
import json
import random
import sys
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from imports.http.redaction import HIDDEN, holds_secret, scrub, scrub_bytes, scrub_cut

if TYPE_CHECKING:
    from collections.abc import Callable

ALPHABET = "ab4 %&\\<>\"'+/;#kzåé€𝄞"
NOISE = ["%", "&", "\\", "\\\\", "%2", "&#", "&amp", "u00", "x4", "a", " ", "+", "%41", "&lt;"]


def forms_of_character(character: str) -> set[str]:
    """Every way in which one character is written."""
    entity = html.escape(character)
    forms = {character, quote(character, safe=""), entity, f"&#{ord(character)};"}
    forms |= {f"&#x{ord(character):x};", json.dumps(character)[1:-1], quote(entity, safe="")}
    forms |= {quote(quote(character, safe=""), safe="")}
    forms |= set() if character.isalnum() else {"\\" + character}
    forms |= {"+"} if character == " " else set()
    return forms


def stands_in(text: str, secret: str) -> bool:
    """The slow reference: from every place on, every form of every character."""
    forms = [forms_of_character(character) for character in secret]
    for start in range(len(text)):
        ends = {start}
        for choices in forms:
            ends = {
                end + len(form) for end in ends for form in choices if text.startswith(form, end)
            }
            if not ends:
                break
        if ends:
            return True
    return False


def test_nothing_that_the_slow_reference_finds_is_left() -> None:
    chance = random.Random(20261127)
    found = 0
    for _ in range(3000):
        secret = "".join(chance.choices(ALPHABET, k=chance.randint(8, 14)))
        written = "".join(
            chance.choice(sorted(forms_of_character(character))) for character in secret
        )
        before, after = ("".join(chance.choices(NOISE, k=chance.randint(0, 4))) for _ in "12")
        text = f"{before}{written}{after}"
        clean = scrub(text, [secret])
        assert HIDDEN in clean, (secret, text)
        assert not stands_in(clean.replace(HIDDEN, "\n"), secret), (secret, text, clean)
        found += 1
    assert found == 3000


def test_a_text_without_the_secret_stays_as_it_is() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        text = "".join(chance.choices(NOISE, k=30))
        assert scrub(text, ["correct horse battery"]) == text


HOSTILE: dict[str, Callable[[int], str]] = {
    "backslashes": lambda n: "\\" * n,
    "backslashes and u": lambda n: "\\u" * n,
    "quoted percent signs": lambda n: "%25" * n,
    "percent signs": lambda n: "%" * n,
    "ampersands": lambda n: "&amp;" * n,
    "one ampersand": lambda n: "&" + "amp;" * n,
    "a long number": lambda n: "&#" + "0" * n + "1" * n,
    "names that never end": lambda n: "&" + "a" * n,
    "half of UTF-8": lambda n: "\xe0" * n,
    "high surrogates": lambda n: "\ud800" * n,
    "the secret's beginning": lambda n: "\\\\\\\\aaaa" * n,
    "the secret": lambda n: "\\\\aaaaaab" * n,
}


def operations(work: Callable[[], object]) -> int:
    """How many lines of Python are carried out: the same on a busy machine."""
    count = 0

    def trace(_frame: object, event: str, _arg: object) -> Callable[..., object]:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_twice_the_text_is_twice_the_work(hostile: Callable[[int], str]) -> None:
    secret = ["\\\\aaaaaab"]
    texts = hostile(1_000), hostile(4_000)
    small, large = (operations(partial(scrub, text, secret)) for text in texts)
    assert large <= 4.2 * small + 500


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_half_a_million_hostile_characters_come_to_an_end(hostile: Callable[[int], str]) -> None:
    """Inside a regular expression no line is counted: what is not linear would not end here."""
    text = hostile(500_000)[:1_000_000]
    assert isinstance(scrub(text, ["\\\\aaaaaab", "pass%41word&"]), str)


def test_a_secret_that_is_cut_in_two_leaves_no_part_of_it() -> None:
    secret = "correct horse battery"
    for at in range(990, 1015):
        text = "x" * at + secret + "y" * 9000
        assert "corr" not in scrub_cut(text, [secret], 1000)
    assert scrub_cut("short", [secret], 1000) == "short"


def test_what_looks_encoded_beside_the_secret_does_not_hide_it() -> None:
    for secret, text in (
        ("41abcdef", "100%41abcdef!"),
        ("lt;abcdef", "a&lt;abcdef"),
        ("abcdef&", "abcdef&amp;lt;"),
        ("abcdef%", "abcdef%2520x"),
        ("u0041bcdef", "C:\\u0041bcdef"),
        ("a\nbcdef", json.dumps("a\nbcdef")),
        ("a+b c+d", quote_plus("a+b c+d")),
    ):
        assert holds_secret(text, [secret]), (secret, text)


def test_bytes_keep_what_is_no_text() -> None:
    content = bytes(range(256)) + "pässword".encode() + b"\xff"
    assert scrub_bytes(content, ["pässword"]) == bytes(range(256)) + HIDDEN.encode() + b"\xff"


def test_short_secrets_are_left_where_the_caller_says_so() -> None:
    assert scrub("abc abcd", ["abc", "abcd"], shortest=4) == f"abc {HIDDEN}"
