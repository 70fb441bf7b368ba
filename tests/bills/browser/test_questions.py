"""What an ordinary attempt asks of the browser: each question costs five processes some work."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.bills.browsing import LOGIN_PAGE, bill_row, bill_table, pdf

if TYPE_CHECKING:
    import pytest

    from tests.bills.browsing import Pages, Visitor

pytest_plugins = ("tests.bills.browser_fixtures",)

BILLS = ("INV-101", "INV-102", "INV-103")
# A slow page is looked at more often, and then a banner is watched for.
LOOKS = ("evaluateExpression", "evaluateExpressionHandle")
MAY_BE_MORE = (*LOOKS, "registerLocatorHandler", "resolveLocatorHandlerNoReply")
MOST = 24
# Some old libraries give all lists a form of their own in JSON.
TO_JSON = "<script>Array.prototype.toJSON = function () { return String(this); };</script>"


def test_an_attempt_for_three_bills_asks_little_and_makes_no_handle(
    pages: Pages, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each handle of an element would bring Playwright's own script into the page once more."""
    asked = count_calls(monkeypatch, "connection", "Connection", "send_message_to_server")
    handles = count_calls(monkeypatch, "element_handle", "ElementHandle", "__init__")
    show(pages)
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (None, len(BILLS)), report.error
    methods = [method for _owner, method, *_ in asked if method not in MAY_BE_MORE]
    of_attempt = methods[methods.index("newContext") :]  # a browser may have been started first
    assert len(of_attempt) <= MOST, of_attempt
    assert handles == []


def test_a_page_that_changes_what_json_says_is_read_all_the_same(
    pages: Pages, visitor: Visitor
) -> None:
    show(pages, TO_JSON)
    report = visitor.visit()
    assert (report.code, len(report.bills)) == (None, len(BILLS)), report.error


def show(pages: Pages, script: str = "") -> None:
    rows = [bill_row(number, f"<a href=/site/{number}.pdf>Download</a>") for number in BILLS]
    pages.portal(script + bill_table(*rows), script + LOGIN_PAGE)
    for number in BILLS:
        pages.reply(f"GET /{number}.pdf", pdf())


def count_calls(
    monkeypatch: pytest.MonkeyPatch, module: str, owner: str, name: str
) -> list[tuple[Any, ...]]:
    """What a method of Playwright's client is called with from now on."""
    calls: list[tuple[Any, ...]] = []
    target = getattr(import_module(f"playwright._impl.{module}"), owner)
    real = getattr(target, name)

    def counted(self: object, *given: Any, **named: Any) -> Any:
        calls.append(given)
        return real(self, *given, **named)

    monkeypatch.setattr(target, name, counted)
    return calls
