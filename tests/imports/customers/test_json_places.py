"""Where a value stands in a record's text."""

from __future__ import annotations

import pytest

from imports.customers import record_editor

TEXT = """{
  "type": "PERSON",
  "person": {
    "customerId": "7",
    "emails": [
      {"email": "a, {b}: \\"c\\"@d.se"},
      {"email": 2}
    ],
    "empty": {}, "none": [],
    "name": "Åsa"
  }
}"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("type", (2, 11)),
        ("person", (3, 13)),
        ("person.customerId", (4, 19)),
        ("person.emails.0.email", (6, 17)),
        ("person.emails.1.email", (7, 17)),
        ("person.empty", (9, 14)),
        ("person.none", (9, 26)),
        ("person.name", (10, 13)),
        ("person.emails.1.missing", (7, 7)),
        ("person.missing.deeper", (3, 13)),
        ("missing", None),
    ],
)
def test_a_value_is_found_by_its_path_and_a_missing_one_by_what_it_belongs_in(
    path: str, place: tuple[int, int] | None
) -> None:
    assert record_editor.place_of(TEXT, path) == place


def test_a_key_that_is_given_twice_is_found_where_it_comes_again() -> None:
    text = '{"a": {"name": 1},\n "name": 2,\n "b": [{"name": 3, "rename": 4}],\n "name": 5}'
    assert record_editor.second_place_of(text, "name") == (4, 10)
    assert record_editor.second_place_of(text, "a") is None


def test_texts_of_equal_words_differ_by_blanks_and_escapes_at_most() -> None:
    assert record_editor.words_in('{"a": "\\u00c5sa \\/ \\""}') == record_editor.words_in(
        '{"a":"Åsa / \\u0022"}'
    )
    assert record_editor.words_in('["a", "b"]') != record_editor.words_in('["a\\", \\"b"]')
    assert record_editor.words_in('{"a": [1, "x  y"]}') == record_editor.words_in(
        '{\n"a":[1,\t"x  y"] }'
    )
    assert record_editor.words_in('{"a": "x  y"}') != record_editor.words_in('{"a": "x y"}')
