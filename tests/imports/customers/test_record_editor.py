"""A record corrected by hand is judged like one from a file, and told where it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config.dev.sandbox import samples
from imports.customers import record_editor
from imports.customers.files.limits import GK_CHECKS

GOOD = json.dumps(samples.customer(1), indent=2, ensure_ascii=False)


def changed(**person: Any) -> str:
    record = samples.customer(1)
    record["person"] |= person
    return json.dumps(record, indent=2, ensure_ascii=False)


def test_a_good_record_has_its_names_and_is_sent_as_it_was_written() -> None:
    found = record_editor.judge(f"\r\n {GOOD} \n".replace("\n", "\r\n"), GK_CHECKS)
    assert found.mistake is None
    assert found.key == samples.customer_id(1)
    assert found.email
    assert found.raw == GOOD.encode()


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ('{"a": 1\n "b": 2}', (2, 2), "A comma is missing before this place"),
        ('{"a" 1}', (1, 6), "A colon is missing"),
        ('{"a": }', (1, 7), "A value is expected here"),
        ('{"a": "x}', (1, 7), "no closing quote"),
        ('{"a": "x\ny"}', (1, 9), "runs past the end of its line"),
        ("{'a': 1}", (1, 2), "key in double quotes"),
        ("{} {}", (1, 4), "There is something after"),
        ('{"a": "\ufffd"}', (1, 8), "could not be read"),
    ],
)
def test_invalid_json_is_explained_with_its_position(
    text: str, place: tuple[int, int], said: str
) -> None:
    mistake = record_editor.judge(text, GK_CHECKS).mistake
    assert mistake is not None
    assert mistake.place == place
    assert said in mistake.text


def test_a_surplus_comma_is_reported() -> None:
    mistake = record_editor.judge('{"a": 1,\n}', GK_CHECKS).mistake
    assert mistake is not None
    assert mistake.place is not None
    assert "extra comma" in mistake.text


@pytest.mark.parametrize(
    ("text", "word", "said"),
    [
        (changed(languageCode="SV"), "languageCode", "two lower-case letters"),
        (changed(birthday="1974-02-31"), "birthday", "Use a date that exists"),
        (changed(customerId=7), "customerId", "in quotes"),
        (changed(firstName="x" * 41), "firstName", "Shorten it"),
        (changed(firstName="\x00"), "firstName", "Remove it"),
        (GOOD.replace('"CREATE"', '"MAKE"'), "changeType", "Use one of"),
        (GOOD.replace('"type"', '"type": "PERSON",\n  "type"', 1), "type", "Keep the right one"),
        (GOOD.replace('"status"', '"points": 1e999,\n    "status"', 1), "1e999", "too large"),
    ],
)
def test_what_the_api_would_refuse_is_reported_with_its_line(
    text: str, word: str, said: str
) -> None:
    mistake = record_editor.judge(text, GK_CHECKS).mistake
    assert mistake is not None
    assert said in mistake.text
    assert mistake.place is not None
    assert word in text.split("\n")[mistake.place.line - 1]
    assert "record 1" not in mistake.text


@pytest.mark.parametrize(
    "text", ["", "   ", "[]", "7", "[" * 200 + "]" * 200, '{"a": ' + "9" * 5000 + "}"]
)
def test_what_is_no_customer_at_all_is_refused(text: str) -> None:
    assert record_editor.judge(text, GK_CHECKS).mistake is not None


def test_a_strange_text_is_a_warning_and_no_mistake() -> None:
    found = record_editor.judge(changed(lastName="GÃ¶TEBORG"), GK_CHECKS)
    assert found.mistake is None
    assert "looks encoded twice" in found.warnings[0]


def test_layout_is_no_change_but_a_single_character_is() -> None:
    assert record_editor.is_same(GOOD, json.dumps(json.loads(GOOD), ensure_ascii=False))
    assert not record_editor.is_same(GOOD, GOOD.replace("CREATE", "UPDATE"))
