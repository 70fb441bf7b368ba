"""What is pressed in the picture becomes a target that leads to that very element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User

from bills.models import Portal, Recording
from tests.bills.browsing import EMAIL, LOG_OUT, Pages, pdf
from tests.bills.processes import wait_until
from tests.bills.recorder.driving import account, recording

if TYPE_CHECKING:
    from django.test import Client

pytest_plugins = ("tests.bills.browser_fixtures",)
pytestmark = pytest.mark.django_db(transaction=True)


def at(top: int) -> str:
    """A place of its own for an element: 20 to 320 from the left, so many pixels from the top."""
    return f'style="position:fixed;left:20px;top:{top}px;width:300px;height:30px;z-index:1"'


LOGIN = f"""<div id=cookie-box><button {at(20)} onclick="this.remove()">Accept all cookies</button>
</div><form method=post action=/site/login>
<label for=u>E-mail</label><input id=u name=email {at(100)}>
<label for=p>Password</label><input id=p type=password name=password {at(150)}>
<button {at(200)}>Log in</button></form>"""
BILLS = f"""{LOG_OUT}<label for=y>Year</label>
<select id=y {at(100)}><option>2026<option>2025</select><table>
<tr><td>1001<td>2026-10-01<td>100,00 kr
<td><a href=/site/one target=_blank {at(200)}>Show</a>
<tr><td>1002<td>2026-09-01<td>120,00 kr<td><a href=/site/two target=_blank {at(250)}>Show</a>
</table>"""


@pytest.fixture
def portal(pages: Pages, installation: Any, messages: Any, client: Client) -> Portal:
    """A made-up portal, and an administrator who has logged in."""
    client.force_login(User.objects.create_superuser("ann"))
    pages.portal("", login=LOGIN)
    pages.show("/bills", BILLS)
    pages.show("/two", f"<a href=/site/two.pdf {at(50)}>Save as PDF</a>")
    pages.reply("GET /two.pdf", pdf())
    made: Portal = Portal.objects.create(
        name="made up", login_url=f"{pages.url}/site/login", billing_url=f"{pages.url}/site/bills"
    )
    account(made, EMAIL, "secret-of-ann-1")
    return made


def test_a_banner_a_list_of_years_and_a_window_are_recorded(
    client: Client, portal: Portal
) -> None:
    with recording(client, portal, EMAIL) as it:
        for top, then in ((30, ""), (110, "user"), (160, "password"), (210, "list")):
            it.do("click", x="30", y=str(top))
            if then:
                it.do(then)
        it.do("click", x="30", y="110")
        mine = Recording.objects.filter(pk=it.recording.pk)
        wait_until(mine.filter(view__options=["2026", "2025"]).exists, "the years")
        it.do("choose", text="2025")
        assert it.do("click", x="30", y="260").act["gives"] == "window"
        assert it.do("click", x="30", y="60").act["gives"] == "document"
        assert client.post(it.url("finish")).status_code == 302
    recorded = Recording.objects.get()
    assert recorded.recipe == {
        "overlays": [{"role": "button", "name": "Accept all cookies"}],
        "login": {
            "email": {"label": "E-mail"},
            "password": {"label": "Password"},
            "submit": {"role": "button", "name": "Log in"},
        },
        "bills": {
            "steps": [{"select": {"label": "Year"}, "value": "2025"}],
            "link": {"role": "link", "name": "Show"},
            "document": {"role": "link", "name": "Save as PDF"},
        },
    }
    assert recorded.billing_url == portal.billing_url
    assert recorded.notes == []


@pytest.mark.parametrize("name", ["anna", "anna@example.test"])
def test_no_target_holds_the_accounts_own_name(
    client: Client, portal: Portal, pages: Pages, name: str
) -> None:
    account(portal, name, "secret-of-anna-1")
    pages.show("/login", f"<span id=of-{name} {at(20)}></span><span id=menu {at(60)}></span>")
    with recording(client, portal, name) as it:
        own, anyones = (it.do("click", x="30", y=str(top)).act["target"] for top in (30, 70))
    assert own == {"selector": "html > body > span:nth-of-type(1)"}
    assert anyones == {"selector": "#menu"}


def test_an_address_that_holds_the_password_is_stored_without_it(
    client: Client, portal: Portal, pages: Pages
) -> None:
    by_address = LOGIN.replace("method=post action=/site/login", "method=get action=/site/bills")
    pages.show("/login", by_address)
    with recording(client, portal, EMAIL) as it:
        it.do("click", x="30", y="160")
        it.do("password")
        it.do("click", x="30", y="210")
        listed = it.do("list").act
    assert listed["value"] == listed["url"]
    assert "password=" in listed["url"]
    assert "secret-of-ann-1" not in str(listed)


def test_the_password_goes_to_no_other_site(client: Client, portal: Portal, pages: Pages) -> None:
    pages.show("/login", LOGIN.replace("/site/login", "http://localhost:9/site/login"))
    with recording(client, portal, EMAIL) as it:
        it.do("click", x="30", y="160")
        assert not it.do("password").went_wrong
        pressed = it.do("click", x="30", y="210")
        assert (pressed.went_wrong, pressed.act) == (True, {})
    assert pages.passwords == []
