"""Text that was encoded twice is recognised; names and words that are right are left alone."""

from __future__ import annotations

import pytest

from imports.customers.files.validation import encoded_twice, reads_as

RIGHT = ["SJÖBERG", "Åsa Ängström", "é", "don’t", "“ja”", "10 €", "😀", "São", "Grüße"]


def as_windows_reads(content: bytes) -> str:
    """Windows-1252 as programs read it: its five gaps are control characters."""
    return "".join(
        bytes([byte]).decode("latin-1" if byte in b"\x81\x8d\x8f\x90\x9d" else "cp1252")
        for byte in content
    )


@pytest.mark.parametrize("text", RIGHT)
def test_text_encoded_twice_reads_as_what_it_was(text: str) -> None:
    assert reads_as(text.encode().decode("latin-1")) == text
    assert reads_as(as_windows_reads(text.encode())) == text


@pytest.mark.parametrize(
    "text",
    [
        *RIGHT,
        "Ã",
        "Â",
        "MAÇÃ",
        "UMEÅ\u2013KIRUNA",
        "i MALMÖ\u201d",
        "Ã¥ och Å",
        "Â£ €uro ö",
        "ÅÄÖ",
    ],
)
def test_text_that_is_right_is_not_suspected(text: str) -> None:
    assert reads_as(text) is None


def test_escaped_text_is_recognised_too_and_keys_are_looked_at() -> None:
    raw = b'{"n\\u00c3\\u00a5": "x"}'
    assert tuple(map(str, encoded_twice(raw, {"nÃ¥": "x"}))) == (
        "a key in the record “nÃ¥” looks encoded twice and would read “nå”. "
        "It is sent unchanged: correct the file if it is wrong",
    )


def test_a_record_gets_three_warnings_at_most() -> None:
    value = {f"k{number}": "Ã¥" for number in range(9)}
    assert len(encoded_twice('{"k": "Ã¥"}'.encode(), value)) == 3
