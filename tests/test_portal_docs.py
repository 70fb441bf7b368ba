"""docs/portals.md names every field of a recipe and every code, and its examples work."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from bills.browser.plan import Login, PortalPlan
from bills.portals import base
from bills.portals.failures import MEANINGS, Actor, Code, Rule
from bills.portals.recipe_schema import RecipeError, load_recipe, part_at
from config.dev.sandbox.http_server import running
from config.dev.sandbox.portal import PortalSite

if TYPE_CHECKING:
    from bills.browser.browser import Browser

pytest_plugins = ("tests.bills.browser_fixtures",)

PAGE = (Path(__file__).resolve().parents[1] / "docs/portals.md").read_text()
WHO = {Actor.US: "whoever runs Redrive", Actor.OPERATOR: "you", Actor.PORTAL: "the portal"}
WHAT = {
    Rule.RETRY: "again",
    Rule.STOP: "stops at once",
    Rule.DEFER: "costs no attempt",
    Rule.PAUSE: "pauses",
}
# Where each part stands in a recipe. Every chapter of the page has a table of one part's fields.
PLACES = {
    "recipe": "",
    "login": "login",
    "code": "login.code",
    "outcomes": "outcomes",
    "bills": "bills",
    "target": "bills.link",
    "sign": "bills.empty[0]",
    "cell": "bills.number",
    "step": "bills.steps[0]",
    "dialog": "dialogs[0]",
    "each": "bills.each[0]",
}
# What a field's example needs beside it to be a whole part.
BESIDE: dict[str, dict[str, Any]] = {
    "target.name": {"role": "button"},
    "step.fill": {"value": "x"},
    "step.select": {"value": "x"},
    "step.value": {"fill": {"label": "From"}},
    "step.optional": {"click": {"text": "Close"}},
    "step.seconds": {"click": {"text": "Close"}},
    "target.frame": {"label": "E-mail"},
    "dialog.answer": {"text": "x"},
    "dialog.value": {"text": "x", "answer": "accept"},
    "each.kind": {"select": {"label": "Year"}},
    "each.only": {"select": {"label": "Year"}},
}


def rows_of(part: str) -> dict[str, str]:
    """By field, its example, from the tables of the part's chapter."""
    entry = re.split(r"^##+ ", PAGE.split(f"\n### {part}\n", 1)[1], maxsplit=1, flags=re.M)[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| `(.*?)` \| (.+) \|$", entry, re.M)
    assert all(meaning for _, _, meaning in rows)
    return {field: example for field, example, _ in rows}


FIELDS = [(part, field, example) for part in PLACES for field, example in rows_of(part).items()]


def recipe_with(place: str, content: Any) -> dict[str, Any]:
    """A recipe that holds the content at "bills.steps[0]" and nothing else."""
    for name in reversed(re.findall(r"[a-z_]+|\[0\]", place)):
        content = [content] if name == "[0]" else {name: content}
    return dict(content)


@pytest.mark.parametrize("part", PLACES)
def test_every_field_of_the_recipe_is_on_the_page_and_no_other(part: str) -> None:
    known = {field.encode_name for field in msgspec.structs.fields(part_at(PLACES[part]))}
    assert set(rows_of(part)) == known


@pytest.mark.parametrize(("part", "field", "example"), FIELDS)
def test_a_fields_example_is_accepted(part: str, field: str, example: str) -> None:
    content = {field: json.loads(example), **BESIDE.get(f"{part}.{field}", {})}
    load_recipe(recipe_with(PLACES[part], content))


def test_examples_are_really_checked() -> None:
    with pytest.raises(RecipeError):
        load_recipe(recipe_with("bills.steps[0]", {"value": "x"}))


def test_its_whole_recipe_is_accepted() -> None:
    (block,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S)
    assert load_recipe(json.loads(block)) != load_recipe({})


@pytest.mark.parametrize("code", list(Code))
def test_its_table_says_who_acts_on_a_code_and_what_happens(code: Code) -> None:
    table = PAGE.rpartition("## What a failure means")[2]
    (row,) = [line for line in table.splitlines() if f"`{code}`" in line.partition(" | ")[0]]
    _, _, who, what, _ = (cell.strip() for cell in row.split("|"))
    assert who == WHO[MEANINGS[code].actor]
    assert WHAT[MEANINGS[code].rule] in what


def test_its_codes_exist() -> None:
    table = PAGE.rpartition("## What a failure means")[2]
    own = {"BAD_RECIPE", "NO_BROWSER", "WRONG_KEY"}
    assert set(re.findall(r"`([A-Z_0-9]{4,})`", table)) == {*Code, *own}


def test_its_links_within_the_page_lead_somewhere() -> None:
    heads = {
        re.sub(r"[^a-z -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([a-z-]+)\)", PAGE)) - heads == set()


def test_its_hand_written_portal_fetches_the_sandbox_portals_bills(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "registered", base.registered)
    monkeypatch.setitem(base.registered, "norrsken", base.Portal)
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    exec(compile(example, "portals.md", "exec"), {"__name__": "docs"})  # noqa: S102 - our own

    with running(PortalSite()) as url:
        plan = PortalPlan(
            login_url=f"{url}/portal/login",
            billing_url=f"{url}/portal/bills",
            recipe=load_recipe({}),
            attempt_timeout=90.0,
            allow_private=True,
            script="norrsken",
        )
        good = browser.submit(Login("otherbill@example.test", "secret"), plan).result(180)
        refused = browser.submit(Login("wrongpassword@example.test", "old"), plan).result(180)

    assert (good.code, good.error) == (None, "")
    assert len({bill.number for bill in good.bills}) == 3  # and not the neighbour's
    assert refused.code is Code.LOGIN_FAILED
