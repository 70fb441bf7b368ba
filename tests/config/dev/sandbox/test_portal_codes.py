"""The sandbox portal's second step: a code is good for one login, a known device needs none."""

from __future__ import annotations

from bills.portals.logins.totp import read_totp
from config.dev.sandbox.portal_accounts import APP_SECRET, Codes, Scenario, app_code


def test_the_apps_codes_are_those_of_its_secret() -> None:
    assert app_code(59_000_000) == read_totp(APP_SECRET).code(59_000_000)


def test_a_code_by_sms_is_good_for_one_login() -> None:
    codes = Codes()
    first = codes.begin("sms@a.se", Scenario.SMS)
    sent = codes.on_the_phone()["sms@a.se"]
    assert codes.take(first, "wrong") is None
    login = codes.take(first, sent)
    assert login is not None
    assert login.email == "sms@a.se"
    assert codes.take(first, sent) is None
    assert codes.typed["sms@a.se"] == 2


def test_a_device_is_known_for_the_account_that_it_was_remembered_for() -> None:
    codes = Codes()
    device = codes.remember("sms@a.se")
    assert codes.knows("sms@a.se", device)
    assert not codes.knows("other@a.se", device)
    assert not codes.knows("sms@a.se", "")
