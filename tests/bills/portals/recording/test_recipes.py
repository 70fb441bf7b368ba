"""Acts become a recipe's parts by what came of them."""

from __future__ import annotations

from bills.portals.recording.acts import Act, Gives, Kind, Typed
from bills.portals.recording.recipes import recipe_of

LOGIN = [
    Act(Kind.GOTO, value="https://a.example/login"),
    Act(Kind.FILL, {"label": "User"}, typed=Typed.USER),
    Act(Kind.FILL, {"label": "Password"}, typed=Typed.PASSWORD),
    Act(Kind.CLICK, {"role": "button", "name": "Log in"}),
    Act(Kind.GOTO, value="https://a.example/bills"),
]
DOCUMENT = Act(Kind.CLICK, {"text": "As PDF"}, gives=Gives.DOCUMENT, page="1")


def test_what_opens_one_row_of_several_is_the_bills_link() -> None:
    details = Act(Kind.CLICK, {"role": "link", "name": "Details"}, gives=Gives.DETAILS, page="1")
    recorded = recipe_of([*LOGIN, details, DOCUMENT])
    assert recorded.recipe["bills"] == {
        "link": {"role": "link", "name": "Details"},
        "document": {"text": "As PDF"},
    }


def test_a_link_that_stands_once_is_a_step_to_the_list() -> None:
    years = Act(Kind.CLICK, {"text": "All years"}, page="1")
    recorded = recipe_of([*LOGIN, years, DOCUMENT])
    assert recorded.recipe["bills"] == {
        "steps": [{"click": {"text": "All years"}}],
        "link": {"text": "As PDF"},
    }
