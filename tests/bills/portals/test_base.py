"""A hand-written portal: one class, registered by name, with the same rules and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bills.browser.plan import Login
from bills.browser.report import Stage
from bills.portals.base import ListedBill, portal
from bills.portals.failures import Code, PortalError
from bills.portals.scripts import portal_named, portal_names
from tests.bills.browsing import CANARY, EMAIL, LOGIN_PAGE, pdf

if TYPE_CHECKING:
    from pathlib import Path

    from bills.browser.visit import Visit
    from tests.bills.browsing import Pages, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)


@portal("example")
class ExamplePortal:
    """What a hand-written portal looks like."""

    async def log_in(self, visit: Visit) -> None:
        await visit.goto(visit.plan.login_url)
        await visit.enter(Stage.LOGIN)
        await visit.page.get_by_label("E-mail").fill(visit.login.email)
        await visit.type_password(visit.page.get_by_label("Password"))
        await visit.page.get_by_role("button", name="Log in").click()
        await visit.enter(Stage.JUDGE)
        if await visit.page.get_by_text("Nope").count():
            raise PortalError(Code.LOGIN_FAILED, "It says “Nope”.")
        await visit.page.get_by_text("Log out").wait_for()

    async def list_bills(self, visit: Visit) -> list[ListedBill]:
        if visit.login.email.startswith("bug"):
            raise KeyError(visit.login.password)
        return [ListedBill("F1", None, None, place="/site/1.pdf")]

    async def fetch(self, visit: Visit, bill: ListedBill, target: Path) -> None:
        answer = await visit.context.request.get(
            visit.plan.login_url.replace("/site/login", str(bill.place))
        )
        target.write_bytes(await answer.body())


def test_a_hand_written_portal_fetches_bills(pages: Pages, visitor: Visitor) -> None:
    pages.portal("")
    pages.reply("GET /1.pdf", pdf())
    report = visitor.visit(script="example")
    assert report.code is None, report.error
    assert [bill.number for bill in report.bills] == ["F1"]


def test_its_errors_have_the_same_codes(pages: Pages, visitor: Visitor) -> None:
    pages.show("/login", LOGIN_PAGE + "Nope")
    pages.answers["POST /site/login"] = pages.answers["GET /site/login"]
    report = visitor.visit(script="example")
    assert (report.code, report.stage) == (Code.LOGIN_FAILED, Stage.JUDGE)


def test_a_bug_in_a_script_is_reported_without_the_password(
    pages: Pages, visitor: Visitor
) -> None:
    pages.portal("")
    report = visitor.visit(login=Login("bug" + EMAIL, CANARY), script="example")
    assert (report.code, report.stage) == (Code.NAVIGATION, Stage.LIST)
    assert "The portal's script broke: KeyError" in report.error
    assert "canary" not in report.error


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    assert "example" in portal_names()
    assert portal_named("example") is ExamplePortal
    with pytest.raises(PortalError, match=r'no portal script "exmaple". Known: .*example'):
        portal_named("exmaple")


def test_a_plan_with_an_unknown_script_ends_in_a_report(visitor: Visitor) -> None:
    report = visitor.visit(script="nowhere")
    assert report.code is Code.BAD_SCRIPT
    assert 'no portal script "nowhere"' in report.error
