"""Orders to the sandbox portal, and its account of what happened."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from config.dev.sandbox.http_server import Request, running
from config.dev.sandbox.portal import PortalSite
from tests.config.dev.sandbox.portal_visitor import LOGIN_URL, Visitor, heading

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def site() -> PortalSite:
    return PortalSite()


@pytest.fixture
def visitor(site: PortalSite) -> Iterator[Visitor]:
    with running(site) as base_url:
        yield Visitor(base_url)


def test_everything_is_counted_and_no_password_is_revealed(visitor: Visitor) -> None:
    visitor.log_in("good1@example.test", "wrong")
    visitor.log_in(" Good1@Example.test ")
    number = visitor.first_bill("good1@example.test").headers["Content-Disposition"][27:38]
    assert visitor.happened() == {
        "logins": {"good1@example.test": 3},
        "resent": {},
        "refused": {"good1@example.test": 1},
        "downloads": {f"good1@example.test/{number}": 1},
        "passwords_seen_once": {"good1@example.test": 2},
        "elsewhere": 0,
    }
    account = visitor.get("/portal/account").text
    assert "hemligt" not in account
    assert "wrong" not in account


def test_a_scenario_can_be_ordered_for_any_address_and_taken_back(visitor: Visitor) -> None:
    visitor.order(scenarios={"anna@example.test": "otp"})
    assert heading(visitor.log_in("anna@example.test")) == "Enter your one-time code"
    visitor.order(scenarios={"anna@example.test": None})
    assert heading(visitor.log_in("anna@example.test")) == "Your bills"


@pytest.mark.parametrize("scenario", ["maintenance", "crash", "locked"])
def test_an_account_heals_after_as_many_submissions_as_ordered(
    visitor: Visitor, site: PortalSite, scenario: str
) -> None:
    email = f"{scenario}1@example.test"
    visitor.order(heals_after={email: 2})
    held = []
    for _ in range(4):
        visitor.log_in(email)
        held.append(site.accounts.scenario(email).value)
    assert held == [scenario, scenario, "good", "good"]


@pytest.mark.parametrize(
    "body", ['{"scenarios": {"a@example.test": "odd"}}', '{"slow": 1}', '{"lock_after": "x"}', "{"]
)
def test_an_order_that_cannot_be_read_is_refused_and_changes_nothing(
    visitor: Visitor, site: PortalSite, body: str
) -> None:
    answer = visitor.post("/portal/control", data=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The order can't be read: ")
    assert not site.accounts.chosen


def test_forgetting_one_account_opens_its_lock_and_leaves_the_others(visitor: Visitor) -> None:
    visitor.order(lock_after=1)
    for email in ("good1@example.test", "good2@example.test"):
        visitor.log_in(email, "wrong")
    visitor.forget("Good1@example.test")
    assert heading(visitor.log_in("good1@example.test")) == "Your bills"
    assert heading(visitor.log_in("good2@example.test")) == "Your account is locked"


def test_forgetting_everything_ends_sessions_and_restores_the_settings(
    visitor: Visitor, site: PortalSite
) -> None:
    visitor.order(lock_after=1)
    visitor.log_in("good1@example.test")
    visitor.forget()
    assert visitor.get("/portal/bills").url.endswith(LOGIN_URL)
    assert visitor.happened()["logins"] == {}
    assert site.accounts.settings.lock_after == 5


def test_a_portal_far_away_delays_every_answer_but_those_to_tests(
    visitor: Visitor, site: PortalSite
) -> None:
    visitor.order(answer_seconds=0.01)
    asked = {
        path: site.handle(Request("GET", path, {}, {}, b"")).delay_seconds
        for path in ("/portal/login", "/portal/bills", "/portal/bills/1.pdf", "/portal/account")
    }
    assert list(asked.values()) == [0.01, 0.01, 0.01, 0.0]


def test_logins_from_many_threads_are_all_counted(visitor: Visitor) -> None:
    def log_in(_: int) -> str:
        return heading(Visitor(visitor.base_url).log_in("good1@example.test"))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(log_in, range(40))) == {"Your bills"}
    assert visitor.happened()["logins"] == {"good1@example.test": 40}


def test_an_address_cannot_put_markup_on_a_page(visitor: Visitor) -> None:
    page = visitor.log_in("<script>alert(1)</script>@example.test").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_an_unknown_address_or_method_is_a_404(visitor: Visitor) -> None:
    assert visitor.get("/portal/nothing").status_code == 404
    assert visitor.post("/portal/account").status_code == 404
