"""Logging in to the sandbox portal: every scenario's page, over a real socket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

from config.dev.sandbox.http_server import running
from config.dev.sandbox.portal import PortalSite
from config.dev.sandbox.portal_accounts import Scenario, scenario_of
from tests.config.dev.sandbox.portal_visitor import LOGIN_URL, PASSWORD, Visitor, heading, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def site() -> PortalSite:
    return PortalSite()


@pytest.fixture
def visitor(site: PortalSite) -> Iterator[Visitor]:
    with running(site) as base_url:
        yield Visitor(base_url)


@pytest.mark.parametrize("scenario", Scenario)
def test_an_address_names_its_scenario_with_or_without_digits_and_suffix(
    scenario: Scenario,
) -> None:
    local_parts = (scenario.value, f"{scenario}17", f"{scenario}-2", f"{scenario}3+bench")
    assert {scenario_of(f"{local}@example.test") for local in local_parts} == {scenario}


@pytest.mark.parametrize("email", ["anna@example.test", "goodness@example.test", "", "kund 7"])
def test_any_other_address_is_good(email: str) -> None:
    assert scenario_of(email) is Scenario.GOOD


def test_the_login_page_has_labelled_fields_and_a_button(visitor: Visitor) -> None:
    page = visitor.get(LOGIN_URL).text
    for label, name in (("E-mail", "email"), ("Password", "password")):
        field = re.search(rf'<label for="(\w+)">{label}</label>', page)
        assert field
        assert re.search(rf'<input id="{field[1]}" name="{name}"', page)
    assert "<button>Log in</button>" in page


def test_a_login_opens_a_session_of_its_own_and_leads_to_the_bills(visitor: Visitor) -> None:
    answer = visitor.log_in("good1@example.test")
    assert answer.url.endswith("/portal/bills")
    assert heading(answer) == "Your bills"
    cookie = answer.history[0].headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    again = Visitor(visitor.base_url).log_in("good1@example.test")
    assert again.history[0].headers["Set-Cookie"] != cookie


def test_logging_out_ends_the_session_on_the_server_too(visitor: Visitor) -> None:
    visitor.log_in("good1@example.test")
    cookies = visitor.http.cookies.get_dict()
    assert visitor.post("/portal/logout").url.endswith(LOGIN_URL)
    visitor.http.cookies.update(cookies)
    assert visitor.get("/portal/bills").url.endswith(LOGIN_URL)


@pytest.mark.parametrize("path", ["/portal", "/portal/bills", "/portal/bills/00000002610.pdf"])
def test_without_a_session_everything_leads_to_the_login(visitor: Visitor, path: str) -> None:
    assert heading(visitor.get(path)) == "Log in"


@pytest.mark.parametrize("password", ["", "wrong"])
def test_an_empty_or_wrong_password_is_refused_with_200(visitor: Visitor, password: str) -> None:
    answer = visitor.log_in("good1@example.test", password)
    assert answer.status_code == 200
    assert answer.url.endswith(LOGIN_URL)
    assert "Wrong e-mail or password" in answer.text
    assert "wrong" not in answer.text


def test_a_wrongpassword_account_turns_good_with_the_correct_password(visitor: Visitor) -> None:
    refused = visitor.log_in("wrongpassword1@example.test")
    assert "Wrong e-mail or password" in refused.text
    accepted = visitor.log_in("wrongpassword1@example.test", "correct-password")
    assert len(numbers(accepted.text)) == 3


def test_a_password_that_was_set_is_compared_byte_for_byte(visitor: Visitor) -> None:
    canary = " &<>\"';åé "
    visitor.order(passwords={"good1@example.test": canary})
    assert heading(visitor.log_in("good1@example.test", canary.strip())) == "Log in"
    assert heading(visitor.log_in("good1@example.test", canary)) == "Your bills"


def test_five_refused_passwords_lock_the_account_for_the_right_one_too(visitor: Visitor) -> None:
    for _ in range(5):
        assert heading(visitor.log_in("good1@example.test", "wrong")) == "Log in"
    assert heading(visitor.log_in("good1@example.test")) == "Your account is locked"
    assert heading(visitor.log_in("good2@example.test")) == "Your bills"


def test_a_login_between_refusals_keeps_an_account_open(visitor: Visitor) -> None:
    visitor.order(lock_after=2)
    for password in ("wrong", PASSWORD, "wrong", PASSWORD):
        last = visitor.log_in("good1@example.test", password)
    assert heading(last) == "Your bills"


def test_a_flaky_account_resets_then_breaks_then_works(visitor: Visitor) -> None:
    with pytest.raises(requests.ConnectionError):
        visitor.log_in("flaky1@example.test")
    assert visitor.log_in("flaky1@example.test").status_code == 500
    assert heading(visitor.log_in("flaky1@example.test")) == "Your bills"
    assert heading(visitor.log_in("flaky1@example.test")) == "Your bills"


def test_a_form_that_the_browser_sends_again_by_itself_is_the_same_login(visitor: Visitor) -> None:
    data = {"email": "flaky1@example.test", "password": PASSWORD, "form": "one"}
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            visitor.post(LOGIN_URL, data=data)
    happened = visitor.happened()
    assert happened["logins"] == {"flaky1@example.test": 1}
    assert happened["resent"] == {"flaky1@example.test": 1}


@pytest.mark.parametrize(
    ("scenario", "path", "title"),
    [
        ("locked", LOGIN_URL, "Your account is locked"),
        ("changepassword", "/portal/change-password", "Choose a new password"),
        ("otp", "/portal/verify", "Enter your one-time code"),
        ("captcha", "/portal/challenge", "Are you a human?"),
        ("unknownpage", "/portal/survey", "Tell us what you think"),
    ],
)
def test_a_login_that_needs_a_person_says_so_on_a_page_of_its_own(
    visitor: Visitor, scenario: str, path: str, title: str
) -> None:
    answer = visitor.log_in(f"{scenario}1@example.test")
    assert (answer.status_code, heading(answer)) == (200, title)
    assert answer.url == visitor.base_url + path
    assert heading(visitor.get("/portal/bills")) == "Log in"


@pytest.mark.parametrize(
    ("scenario", "status", "title", "retry_after"),
    [
        ("500", 500, "Something went wrong", None),
        ("maintenance", 503, "Closed for maintenance", "7"),
        ("ratelimited", 429, "Too many requests", "7"),
    ],
)
def test_a_portal_in_trouble_answers_with_its_status(
    visitor: Visitor, scenario: str, status: int, title: str, retry_after: str | None
) -> None:
    visitor.order(retry_after_seconds=7)
    answer = visitor.log_in(f"{scenario}1@example.test")
    assert (answer.status_code, heading(answer)) == (status, title)
    assert answer.headers.get("Retry-After") == retry_after


def test_a_slow_login_answers_after_the_delay_that_was_ordered(visitor: Visitor) -> None:
    data = {"email": "slow1@example.test", "password": PASSWORD}
    with pytest.raises(requests.ReadTimeout):
        visitor.post(LOGIN_URL, data=data, timeout=0.3)
    visitor.order(slow_seconds=0.01)
    assert heading(visitor.log_in("slow1@example.test")) == "Your bills"


def test_a_redirect_leads_to_another_host_that_answers_and_counts(visitor: Visitor) -> None:
    answer = visitor.log_in("redirect1@example.test")
    assert answer.url.startswith("http://localhost:")
    assert "Please log in again" in answer.text
    assert visitor.happened()["elsewhere"] == 1


def test_where_a_redirect_leads_can_be_ordered(visitor: Visitor) -> None:
    visitor.order(elsewhere="http://127.0.0.2:9/trap")
    data = {"email": "redirect1@example.test", "password": PASSWORD}
    answer = visitor.post(LOGIN_URL, data=data, allow_redirects=False)
    assert answer.headers["Location"] == "http://127.0.0.2:9/trap"
