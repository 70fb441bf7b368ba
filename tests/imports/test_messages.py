"""Messages are stored as code and parameters, and rendered in the reader's language."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import translation

from imports.customers.api.answers import sentences
from imports.customers.api.record_results import SENTENCES as OF_ENTRIES
from imports.messages import (
    Message,
    Said,
    cause_of,
    from_json,
    headline,
    in_general,
    render,
    sentence,
    to_json,
)
from imports.rendering import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = [*PROJECT.glob("imports/**/*.py"), *PROJECT.glob("bills/**/*.py")]
WHAT_A_PAGE_KNOWS = (
    "import json, django; django.setup(); import config.urls; "
    "from imports.messages import SENTENCES; print(json.dumps(list(SENTENCES)))"
)
REFUSED = sentences.REFUSALS[422].format(why=Said("Bad name", "NAME"))
BOTH = sentences.UNSURE[408].format(status=408, why=Said()) + sentences.LOOK_UP


def test_a_message_is_one_sentence_or_several() -> None:
    assert str(REFUSED) == (
        "The API refused the data (HTTP 422): Bad name (NAME). Correct the data, then retry."
    )
    assert str(BOTH).startswith("The API stopped waiting for the request (HTTP 408). It is not")
    assert str(BOTH + "" + "As the portal says.").endswith("again. As the portal says.")


@pytest.mark.parametrize("message", [REFUSED, BOTH, "the portal's own words", "", sentences.LATER])
def test_what_is_stored_comes_back(message: Message | str) -> None:
    assert from_json(json.loads(json.dumps(to_json(message)))) == message


def test_nothing_of_it_is_stored_as_english() -> None:
    assert to_json(REFUSED) == {
        "code": "REFUSALS_422", "params": {"api_code": "NAME"}, "said": "Bad name",
    }  # fmt: skip


def test_it_is_said_in_the_readers_language_and_own_words_as_they_are() -> None:
    with translation.override("sv"):
        assert in_words(REFUSED) == (
            "API:et avvisade uppgifterna (HTTP 422): Bad name (NAME). "
            "Rätta dem och försök sedan igen."
        )
        assert in_words("Their own words.") == "Their own words."


def test_a_list_of_phrases_is_translated_phrase_by_phrase() -> None:
    parts = tuple(sentences.OF_WHICH[each].format(n=3) for each in sentences.OF_WHICH)
    with translation.override("sv"):
        assert in_words(sentences.OF_ALL.format(n=1200, parts=parts[:1])).endswith("3 avvisade.")


def test_a_headline_is_what_is_wrong_without_what_to_do_about_it() -> None:
    assert headline(REFUSED) == "The API refused the data (HTTP 422): Bad name (NAME)"
    assert headline("Dr. Who said so.") == "Dr. Who said so"


def test_what_another_version_has_stored_is_shown_by_its_code() -> None:
    assert render(Message("GONE_SINCE_2031", said="Bad")) == "GONE_SINCE_2031: Bad"


def test_two_sentences_cannot_have_one_code() -> None:
    with pytest.raises(ValueError, match="LATER"):
        sentence("LATER", "something else")


def test_nul_and_half_characters_are_replaced_wherever_they_stand() -> None:
    odd = REFUSED.format(why=Said("a\x00b\ud800"), name="\x00")
    assert "\x00" not in json.dumps(to_json(odd))
    assert "\x00" not in str(odd)
    json.dumps(to_json(odd), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not valid in line 73 (ref 2fa7ee50-11aa)", "not valid in line 9 (ref 0b-77-cd3)"),
        ("record 1,234 is broken", "record 7 is broken"),
        ("“Ann” is taken", "“Bo” is taken"),
        ("ann@example.test is taken", "bo.b@example.test is taken"),
        ("id deadbeefcafe unknown", "id 00ff00ff00ff unknown"),
        ("'x' is no date", "'y' is no date"),
        ("born 1980-1-5", "born 1999-12-31"),
    ],
)
def test_particulars_in_somebodys_own_words_make_no_other_cause(one: str, other: str) -> None:
    assert cause_of(one) == cause_of(other) != ""
    said = [OF_ENTRIES["permanent"].format(why=Said(text, "BAD")) for text in (one, other)]
    assert cause_of(said[0]) == cause_of(said[1]) != cause_of(one)


def test_other_words_another_code_or_another_status_are_another_cause() -> None:
    summary = [
        OF_ENTRIES["permanent"].format(why=Said("Name missing", "BAD_1")),
        OF_ENTRIES["permanent"].format(why=Said("Name missing", "BAD_2")),
        OF_ENTRIES["permanent"].format(why=Said("Name too long", "BAD_1")),
        sentences.BROKE.format(status=500, why=Said("Name missing")),
        sentences.BROKE.format(status=502, why=Said("Name missing")),
    ]
    assert len({cause_of(each) for each in summary}) == len(summary)


def test_a_cause_is_shown_without_its_particulars() -> None:
    message = OF_ENTRIES["permanent"].format(why=Said("no “Ann” in line 7", "BAD_1"))
    assert "no … in line … (BAD_1)" in render(in_general(message))


def test_pages_know_every_sentence_that_workers_keep() -> None:
    """Also those of modules that only workers load, such as what drives a browser."""
    answered = subprocess.run(
        [sys.executable, "-c", WHAT_A_PAGE_KNOWS],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        check=True,
    )
    assert set(json.loads(answered.stdout)) >= set(declared())


def declared() -> Iterator[str]:
    """The code of each sentence that is written out in the source."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_call = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "sentence"
            if is_call and node.args and isinstance(node.args[0], ast.Constant):  # type: ignore[attr-defined]
                yield str(node.args[0].value)  # type: ignore[attr-defined]
