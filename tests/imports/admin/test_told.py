"""What the ledger keeps in English is said in the reader's language; all else stays as it is."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import translation
from django.utils.translation import gettext

from imports.admin.log import ACTIONS
from imports.admin.told import told
from imports.ledger import verdicts
from imports.models import Plan
from imports.models.plans import PlanAction
from imports.wording import KEPT

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[3]
SOURCES = [*PROJECT.glob("imports/**/*.py"), *PROJECT.glob("bills/**/*.py")]
MARKS = re.compile(r"from imports\.wording import kept as (\w+)")
WHAT_A_PAGE_KNOWS = (
    "import json, django; django.setup(); import config.urls; "
    "from imports.wording import KEPT; print(json.dumps(list(KEPT)))"
)


def in_swedish(text: str) -> str:
    with translation.override("sv"):
        return told(text)


@pytest.mark.parametrize(
    ("kept", "swedish"),
    [
        (
            "The API refused the data (HTTP 422): Bad name. Correct the data, then retry.",
            "API:et avvisade uppgifterna (HTTP 422): Bad name. Rätta dem och försök sedan igen.",
        ),
        (
            "api.example refused the connection. Nothing was sent.",
            "api.example vägrade anslutningen. Inget skickades.",
        ),
        (
            "Of 1,200 customers: 3 refused, 2 unconfirmed.",
            "Av 1,200 kunder: 3 avvisade, 2 obekräftade.",
        ),
        (
            "The API refused the bearer token (HTTP 401). Correct it on the API's page, then "
            "resume the job.",
            "API:et avvisade bearer-token (HTTP 401). Rätta det på API:ets sida och återuppta "
            "sedan jobbet.",
        ),
        (
            "3 records go out again in job 7. Ann fixed them.",
            "3 poster skickas igen i jobb 7. Ann fixed them.",
        ),
        ("2 files in retry_batches_1", "2 filer i retry_batches_1"),
    ],
)
def test_a_kept_sentence_is_said_in_swedish(kept: str, swedish: str) -> None:
    assert in_swedish(kept) == swedish


def test_what_nobody_marked_stays_as_it_was_kept() -> None:
    for text in ("", "Something else {went} wrong.", "Nothing was sentimental."):
        assert in_swedish(text) == text


def test_in_english_nothing_is_touched() -> None:
    with translation.override("en"):
        assert told("api.example refused the connection.") == "api.example refused the connection."


def test_no_sentence_is_taken_for_another() -> None:
    with translation.override("sv"):
        for sentence in marked():
            names = set(re.findall(r"{(\w+)}", sentence))
            filled = dict.fromkeys(names, "7")
            assert told(sentence.format(**filled)) == gettext(sentence).format(**filled)


def test_pages_know_every_sentence_that_workers_keep() -> None:
    """Also those of modules that only workers load, such as what drives a browser."""
    asked = [sys.executable, "-c", WHAT_A_PAGE_KNOWS]
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings"}
    answered = subprocess.run(
        asked, cwd=PROJECT, env=environment_with(environment), capture_output=True, check=True
    )
    assert set(json.loads(answered.stdout)) == set(marked())


def environment_with(more: dict[str, str]) -> dict[str, str]:
    import os

    return {**os.environ, **more}


def marked() -> Iterator[str]:
    """Each sentence that the source marks as kept."""
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        if found := MARKS.search(source):
            for call in calls(source):
                if isinstance(call.func, ast.Name) and call.func.id == found[1]:
                    yield ast.literal_eval(call.args[0])


def calls(source: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))


def noted() -> Iterator[str]:
    """Each action that the source notes in a job's log."""
    for path in SOURCES:
        for call in calls(path.read_text(encoding="utf-8")):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if name in ("note", "_end"):
                yield from (
                    each.value
                    for each in call.args[1:3]
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )


def test_every_action_of_the_log_has_words() -> None:
    decided = (PlanAction.ARRIVED, PlanAction.NOT_ARRIVED, PlanAction.EXCLUDE)
    words = {verdicts.of(Plan(action=each)).word for each in decided}
    found = set(noted())
    assert {"started", "retried", "exported", "notified"} <= found
    actions = {each for each in found | words if each and each.islower()}
    assert actions - set(ACTIONS) == set()
    assert KEPT
