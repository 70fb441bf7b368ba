"""The Swedish of the pages: whole, compiled, and in step with what it translates."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

CATALOGUES = [Path(place) / "sv/LC_MESSAGES/django.po" for place in settings.LOCALE_PATHS]
LINE = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")')
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd](?!\w)|\{\w*\}")
Entry = dict[str, str]


def entries(catalogue: Path) -> Iterator[Entry]:
    """What the .po has, entry by entry: "msgid", "msgstr" or "msgstr[0]", and so on."""
    for block in catalogue.read_text(encoding="utf-8").split("\n\n"):
        entry: Entry = {}
        name = ""
        for line in block.splitlines():
            if found := LINE.match(line):
                name = found[1]
                entry[name] = ast.literal_eval(found[2])
            elif line.startswith('"'):
                entry[name] += ast.literal_eval(line)
        if entry.get("msgid"):
            yield entry


def said(entry: Entry) -> list[str]:
    return [text for name, text in entry.items() if name.startswith("msgstr")]


@pytest.fixture(params=CATALOGUES, ids=lambda each: each.parents[2].name)
def catalogue(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_every_sentence_has_its_swedish(catalogue: Path) -> None:
    assert [each["msgid"] for each in entries(catalogue) if not all(said(each))] == []
    assert "fuzzy" not in catalogue.read_text(encoding="utf-8")


def test_placeholders_are_those_of_the_english(catalogue: Path) -> None:
    differing = []
    for entry in entries(catalogue):
        english = (entry["msgid"], entry.get("msgid_plural", entry["msgid"]))
        wanted = [sorted(PLACEHOLDER.findall(text)) for text in english]
        swedish = [sorted(PLACEHOLDER.findall(text)) for text in said(entry)]
        if swedish != wanted[: len(swedish)]:
            differing.append(entry["msgid"])
    assert differing == []


def test_what_is_compiled_is_what_is_written(catalogue: Path) -> None:
    """Operators have no gettext tools: `make locale` after a change, and commit both files."""
    with catalogue.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    written: dict[object, str] = {}
    for entry in entries(catalogue):
        name = "\x04".join(filter(None, [entry.get("msgctxt"), entry["msgid"]]))
        if "msgid_plural" in entry:
            written |= {(name, 0): entry["msgstr[0]"], (name, 1): entry["msgstr[1]"]}
        else:
            written[name] = entry["msgstr"]
    assert {key: text for key, text in compiled.items() if key} == written


COLLECTED = {"gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"} | {
    "pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy", "_",
}  # fmt: skip


def test_no_sentence_is_behind_a_name_that_makemessages_does_not_know() -> None:
    found = {
        path.relative_to(settings.BASE_DIR): hidden
        for app in ("config", "imports", "bills")
        for path in (settings.BASE_DIR / app).rglob("*.py")
        if (hidden := set(hidden_sentences(ast.parse(path.read_text()))))
    }
    assert found == {}


def hidden_sentences(tree: ast.Module) -> Iterator[str]:
    """Texts that are given to gettext under another name than those that are collected."""
    imports = [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom) and each.module == "django.utils.translation"
    ]
    names = {name.asname for each in imports for name in each.names if "gettext" in name.name}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            first = call.args[0] if call.args else None
            if call.func.id in names - COLLECTED and isinstance(first, ast.Constant):
                yield str(first.value)
