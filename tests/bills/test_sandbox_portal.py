"""The sandbox portal with a whole recipe: how far each attempt gets, and what it brings.

tests/bills/test_scenarios.py runs every scenario without a recipe, through the ledger.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bills.browser.plan import KnownBill, Login, PortalPlan
from bills.portals.recipe_schema import load_recipe
from config.dev.sandbox.http_server import running
from config.dev.sandbox.portal import PortalSite
from config.dev.sandbox.portal_accounts import bills_of
from tests.bills.browsing import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bills.browser.browser import Browser
    from bills.browser.report import AttemptReport

pytest_plugins = ("tests.bills.browser_fixtures",)

RECIPE = (Path(__file__).parent / "sandbox_recipe.json").read_bytes()
# The account: its code, the stage it gets to, and its bills.
EXPECTED = {
    "good": (None, "done", 3),
    "post": (None, "done", 3),
    "otherbill": (None, "done", 3),
    "fortybills": (None, "done", 40),
    "nobills": (None, "done", 0),
    "cookiebanner": (None, "done", 3),
    "wrongpassword": ("LOGIN_FAILED", "judge", 0),
    "changepassword": ("PASSWORD_EXPIRED", "judge", 0),
    "otp": ("OTP_NEEDED", "judge", 0),
    "captcha": ("CAPTCHA", "judge", 0),
    "maintenance": ("MAINTENANCE", "judge", 0),
    "redirect": ("OTHER_SITE", "judge", 0),
    "truncated": ("DOWNLOAD_BAD", "download", 0),
}
AT_ONCE = 4


@pytest.fixture(scope="module")
def site() -> PortalSite:
    return PortalSite()


@pytest.fixture(scope="module")
def plan(site: PortalSite) -> Iterator[PortalPlan]:
    with running(site) as url:
        yield PortalPlan(
            f"{url}/portal/login", f"{url}/portal/bills", load_recipe(RECIPE), allow_private=True
        )


@pytest.fixture(scope="module")
def reports(browser: Browser, plan: PortalPlan) -> Iterator[dict[str, AttemptReport]]:
    """One attempt for each account, four at once."""
    reports: dict[str, AttemptReport] = {}
    names = list(EXPECTED)
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        running_now = [browser.submit(Login(address(name), CANARY), plan) for name in some]
        reports |= {
            name: future.result(300) for name, future in zip(some, running_now, strict=True)
        }
    yield reports
    for report in reports.values():
        report.discard()


def address(name: str) -> str:
    return f"{name}@example.test"


@pytest.mark.parametrize("name", EXPECTED)
def test_an_attempt_ends_as_it_should(reports: dict[str, AttemptReport], name: str) -> None:
    report = reports[name]
    code, stage, bills = EXPECTED[name]
    assert (report.code, report.stage, len(report.bills)) == (code, stage, bills), report.error
    assert (report.evidence is None) is (code is None)
    assert report.password_submissions == 1


def test_bills_are_read_as_the_portal_means_them(reports: dict[str, AttemptReport]) -> None:
    newest = bills_of(address("good"), 3, 0)[0]
    bill = reports["good"].bills[0]
    assert (bill.number, bill.date, bill.currency) == (newest.number, newest.issued_on, "SEK")
    assert bill.amount == Decimal(newest.amount_ore) / 100
    assert f"E-mail: {address('good')}".encode() in bill.path.read_bytes()


def test_another_customers_bill_is_ignored(
    reports: dict[str, AttemptReport], site: PortalSite
) -> None:
    assert reports["otherbill"].not_ours == 1
    downloads = site.accounts.counts.downloads
    own = {bill.number for bill in reports["otherbill"].bills}
    asked = {key.partition("/")[2] for key in downloads if key.startswith("otherbill@")}
    assert asked == own


def test_nothing_reaches_the_other_site(
    reports: dict[str, AttemptReport], site: PortalSite
) -> None:
    assert "It leads to http://localhost" in reports["redirect"].error
    assert site.accounts.counts.elsewhere == 0


def test_a_portal_that_is_closed_says_until_when(reports: dict[str, AttemptReport]) -> None:
    assert reports["maintenance"].retry_after == 30.0


def test_a_retry_fetches_only_what_is_missing(
    browser: Browser, plan: PortalPlan, reports: dict[str, AttemptReport]
) -> None:
    known = tuple(KnownBill(bill.key, bill.sha256) for bill in reports["good"].bills[1:])
    report = browser.submit(Login(address("good"), CANARY, known), plan, fresh=True).result()
    assert (report.code, report.found, report.known_before) == (None, 3, 2)
    assert [bill.number for bill in report.bills] == [reports["good"].bills[0].number]
    report.discard()
