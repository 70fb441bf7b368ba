"""The quick look never lets by what the closer look would find."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from imports.customers.files import validation as module
from imports.customers.files.strict_json import inspect
from imports.customers.files.validation import unsafe_values

if TYPE_CHECKING:
    from imports.customers.files.errors import Fault
    from imports.messages import Message

HARMLESS = [
    '{"a": "b:c", "t": "12:30:00"}',
    '{"a" : "\\": ", "b"\n:\t[1, {"c": 0.5}]}',
    '{"a": 9007199254740992, "b": 1.25, "c": -0.000001}',
    '{"a": "12345678901234567890", "b": "1e999", "c": "NaN"}',
    '{"\\u0061": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}',
    '{"a": "\\\\u0000"}',
]
HAZARDOUS = [
    ('{"a": 1, "a": 1}', "DUPLICATE_KEY"),
    ('{"x": [{"a": 1, "b": {}, "a": 1}], "y": "::::"}', "DUPLICATE_KEY"),
    ('{"a": 1, "\\u0061": "\\u003a"}', "DUPLICATE_KEY"),
    ('{"a" : 1, "a"\t: 1, "b": "\\":"}', "DUPLICATE_KEY"),
    ('{"a\\u0000": 1}', "BAD_TEXT"),
    ('{"a": -Infinity}', "BAD_NUMBER"),
    ('{"a": -1e400}', "BAD_NUMBER"),
    ('{"a": ' + "1" * 310 + "}", "BAD_NUMBER"),
    ('{"a": ' + "[" * 100 + "]" * 100 + "}", "TOO_DEEP"),
]


def look(text: str) -> tuple[Fault | None, tuple[Message, ...]]:
    raw = text.encode()
    try:
        value = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return unsafe_values(raw, None, parsed=False)
    return unsafe_values(raw, value, parsed=True)


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_record_has_no_fault_and_no_warning(text: str) -> None:
    assert look(text) == (None, ())


def test_an_ordinary_record_is_not_parsed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "inspect", lambda raw: pytest.fail(f"parsed again: {raw!r}"))
    for text in (HARMLESS[0], *HARMLESS[2:5]):
        assert look(text) == (None, ())


@pytest.mark.parametrize(("text", "code"), HAZARDOUS)
def test_an_unsafe_value_is_found_wherever_it_hides(text: str, code: str) -> None:
    fault, _ = look(text)
    assert fault is not None
    assert fault.code == code


@pytest.mark.parametrize(
    "digits", ["9007199254740993", "-12345678901234567890", "0.12345678901234567891", "1e-999"]
)
def test_a_number_that_loses_digits_is_warned_about(digits: str) -> None:
    fault, (warning,) = look(json.dumps({"a": "b"})[:-1] + f', "x": {digits}}}')
    assert fault is None
    assert (warning.code, warning.own_params) == ("LOSES_DIGITS", {"value": digits})


def test_a_key_given_twice_is_found_among_sixty_thousand() -> None:
    keys = ",".join(f'"k{n}":1' for n in range(60_000))
    fault, _ = inspect(f'{{{keys},"k59999":2}}'.encode())
    assert fault is not None
    assert (fault.code, fault.what.own_params["key"]) == ("DUPLICATE_KEY", "k59999")
