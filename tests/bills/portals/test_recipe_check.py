"""A recipe is checked when it is saved, and an error names the field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bills.portals.recipe_schema import Recipe, RecipeError, load_recipe
from tests.bills.browsing import CANARY

WHOLE = {
    "hosts": ["cdn.example.com", "*.example.org"],
    "overlays": [{"role": "button", "name": "Accept all"}],
    "login": {
        "steps": [{"click": {"text": "Private customers"}}],
        "email": {"label": "E-mail"},
        "next": {"role": "button", "name": "Next"},
        "password": {"label": "Password"},
        "submit": {"role": "button", "name": "Log in"},
        "answer_seconds": 20,
    },
    "outcomes": {
        "success": [{"url": "https://example.com/bills*"}],
        "refused": [{"text": "Wrong password"}],
        "captcha": [{"selector": "#challenge"}],
        "locked": [],
    },
    "bills": {
        "steps": [{"goto": "https://example.com/all"}, {"fill": {"label": "From"}, "value": "x"}],
        "not_needed": ["*/offers"],
        "rows": "tr.bill",
        "own_row": "{email}",
        "own_cell": {"column": "E-mail"},
        "number": {"selector": ".number", "pattern": "no (\\d+)"},
        "date": {"column": 2, "format": "%d/%m/%Y"},
        "amount": {"column": "Amount"},
        "link": {"selector": "a.pdf"},
        "open": [{"click": {"text": "Details"}}],
        "document": {"text": "Download"},
        "print": False,
        "close": [{"click": {"text": "Close"}}],
        "in_zip": "invoice",
        "file_password": "{born}",
        "next": {"role": "link", "name": "Next"},
        "empty": [{"text": "No bills"}],
        "max_pages": 5,
        "since": "2026-01-31",
    },
}
WRONG: dict[str, tuple[Any, str, str]] = {
    "no JSON": ("{", "recipe", "is no JSON"),
    "a list": ("[]", "recipe", "must be a JSON object"),
    "an unknown part": ({"log": {}}, "log", 'Did you mean "login"?'),
    "an unknown field": ({"login": {"submitt": {}}}, "login.submitt", 'Did you mean "submit"?'),
    "an unknown field of a bill's step": (
        {"bills": {"open": [{"clck": {}}]}}, "bills.open[0].clck",
        "Known here: click, fill, select",
    ),
    "an unknown role": ({"bills": {"link": {"role": "buton"}}}, "bills.link", "Known: alert,"),
    "a broken name in a ZIP": ({"bills": {"in_zip": "("}}, "bills", "in_zip is no regular"),
    "the password for a file": (
        {"bills": {"file_password": "{password}"}}, "bills", "only ever typed",
    ),
    "a number for a text": ({"bills": {"rows": 3}}, "bills.rows", "must be a text"),
    "null": ({"bills": None}, "bills", "must be an object, not null"),
    "an empty target": ({"bills": {"link": {}}}, "bills.link", "exactly one of label"),
    "two ways at once": (
        {"login": {"email": {"label": "a", "selector": "b"}}}, "login.email", "exactly one",
    ),
    "a name without a role": (
        {"login": {"submit": {"name": "x", "text": "y"}}}, "login.submit", "goes with `role`",
    ),
    "a sign with two marks": (
        {"outcomes": {"success": [{"url": "u"}, {"url": "u", "text": "t"}]}},
        "outcomes.success[1]", "exactly one of url",
    ),
    "a broken pattern": ({"bills": {"number": {"pattern": "("}}}, "bills.number", "pattern"),
    "a column 0": ({"bills": {"number": {"column": 0}}}, "bills.number", "from 1"),
    "a URL for a host": ({"hosts": ["https://x.se"]}, "hosts", "is no host"),
    "a day that is none": ({"bills": {"since": "2026-02-30"}}, "bills", "since must be a date"),
    "two ranges": ({"bills": {"since": "2026-01-01", "months": 2}}, "bills", "not both"),
    "the password in a row": ({"bills": {"own_row": "{password}"}}, "bills", "only ever typed"),
    "the password in a step": (
        {"bills": {"steps": [{"goto": "https://x.se/?p={password}"}]}},
        "bills.steps[0]", "only ever typed",
    ),
    "an unknown field of a step": (
        {"login": {"steps": [{"clik": {"text": "x"}}]}}, "login.steps[0].clik",
        'Did you mean "click"? Known here: click, fill, select, goto, wait, value, optional',
    ),
    "an unknown field of a target": (
        {"bills": {"steps": [{"click": {"txt": "x"}}]}}, "bills.steps[0].click.txt",
        "Known here: label, role, name, text, placeholder, selector, frame.",
    ),
    "nothing like it": ({"login": {"zzz": 1}}, "login.zzz", "is not known. Known here: steps,"),
    "a date's own name": ({"bills": {"dat": {}}}, "bills.dat", 'Did you mean "date"?'),
    "two things to do": (
        {"login": {"steps": [{"goto": "x", "wait": 1}]}}, "login.steps[0]", "exactly one",
    ),
    "an endless wait": ({"login": {"then": [{"wait": 900}]}}, "login.then[0]", "60 seconds"),
    "an optional address": (
        {"login": {"steps": [{"goto": "x", "optional": True}]}}, "login.steps[0]", "goes with",
    ),
    "an answer that is none": (
        {"dialogs": [{"text": "x", "answer": "maybe"}]}, "dialogs[0].answer", "maybe",
    ),
    "a dialog without a text": ({"dialogs": [{"text": " "}]}, "dialogs[0]", "must say"),
    "a value that is not sent": (
        {"dialogs": [{"text": "x", "value": "y"}]}, "dialogs[0]", "goes with accept",
    ),
    "any host for the password": ({"password_hosts": ["*.x.se"]}, "password_hosts", "whole names"),
    "a header in the user agent": ({"user_agent": "a\r\nb: c"}, "user_agent", "one line"),
    "a step that does nothing": ({"login": {"steps": [{}]}}, "login.steps[0]", "exactly one"),
    "no time to answer": ({"login": {"answer_seconds": 0}}, "login", "answer_seconds"),
}  # fmt: skip


LOGIN_FIELDS = {
    "password_hosts": ["sso.example.com"],
    "user_agent": "Mozilla/5.0 Chrome/140.0.0.0",
    "dialogs": [
        {"text": "new prices", "answer": "accept"},
        {"text": "your number", "answer": "accept", "value": "{customer_no}"},
    ],
    "login": {
        "password": {"label": "Password", "frame": "iframe#login"},
        "steps": [{"wait": {"text": "Welcome"}, "seconds": 5}, {"wait": 0.5}],
        "then": [{"click": {"text": "Later"}, "optional": True}],
    },
}


def test_all_that_a_login_may_need_is_read() -> None:
    recipe = load_recipe(json.dumps(LOGIN_FIELDS))
    assert recipe == load_recipe(LOGIN_FIELDS)
    assert [rule.answer for rule in recipe.dialogs] == ["accept", "accept"]
    assert recipe.login.then[0].optional
    assert recipe.login.steps[1].wait == 0.5
    assert recipe.login.password is not None
    assert recipe.login.password.frame == "iframe#login"


def test_a_whole_recipe_is_read() -> None:
    recipe = load_recipe(json.dumps(WHOLE))
    assert recipe == load_recipe(WHOLE)
    assert recipe.bills.issued is not None
    assert recipe.bills.issued.format == "%d/%m/%Y"
    assert recipe.outcomes.locked == ()
    assert recipe.outcomes.code is None


@pytest.mark.parametrize("nothing", [None, "", b"", {}, "{}"])
def test_an_empty_recipe_guesses_everything(nothing: Any) -> None:
    assert load_recipe(nothing) == Recipe()


@pytest.mark.parametrize(("content", "field", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_reported_with_its_field(content: Any, field: str, words: str) -> None:
    with pytest.raises(RecipeError) as refusal:
        load_recipe(content)
    [(named, sentence)] = refusal.value.errors
    assert named == field
    assert words in sentence
    assert sentence.endswith((".", "?", "}"))


def test_all_wrong_parts_are_reported_at_once() -> None:
    with pytest.raises(RecipeError) as refusal:
        load_recipe({"hosts": [1], "login": {"x": 1}, "bills": {"rows": []}})
    assert [field for field, _ in refusal.value.errors] == ["hosts[0]", "login.x", "bills.rows"]


def test_an_unreadable_recipe_is_not_echoed() -> None:
    with pytest.raises(RecipeError) as refusal:
        load_recipe('{"login": ' + CANARY)
    assert CANARY not in str(refusal.value)
