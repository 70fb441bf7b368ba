"""A page of somebody else's account is recognised as one; the credential's own is not doubted."""

from __future__ import annotations

import pytest

from bills.portals.lists.owner import other_number, other_user

OWN = "ann@x.test"
ANOTHER_USER = {
    "Inloggad som Bo Ek (bo@y.test)": "bo@y.test",
    "Signed in as bo@y.test": "bo@y.test",
    "Angemeldet als: bo@y.test": "bo@y.test",
    "Zalogowano jako bo@y.test": "bo@y.test",
    "Logged in as ann@x.test": "",
    "Questions? Write to help@portal.test": "",
    "Logged in as bo@y.test for ann@x.test": "",
}
ANOTHER_NUMBER = {
    ("kundnummer", "100200", "Kundnummer: 555777"): "555777",
    ("kundennummer", "100200", "Kundennummer 555777"): "555777",
    ("customer_no", "100200", "Customer number 555777"): "555777",
    ("numero_client", "100200", "Numéro de client : 555777"): "555777",
    ("kundnummer", "100200", "Kundnummer: 100 200"): "",
    ("kundnummer", "100200", "Kundnummer 555777. Betalare 100200"): "",
    ("account_no", "100200", "Customer number 555777"): "",
    ("account_no", "100200", "Bank account number: 555777"): "",
    ("birth_date", "19800101", "Customer number 555777"): "",
}


@pytest.mark.parametrize("text", ANOTHER_USER)
def test_who_is_logged_in_must_be_the_credentials_user(text: str) -> None:
    assert other_user(text, [], OWN) == ANOTHER_USER[text]


def test_a_menu_with_another_address_is_somebody_elses() -> None:
    assert other_user("Bills", ["Bo Ek bo@y.test"], OWN) == "bo@y.test"
    assert not other_user("Bills", ["Ann ANN@x.test"], OWN)
    assert not other_user("Bills", ["Bo Ek bo@y.test"], "4711")


@pytest.mark.parametrize("case", ANOTHER_NUMBER)
def test_a_number_that_the_page_shows_must_be_the_csvs(case: tuple[str, str, str]) -> None:
    column, value, text = case
    assert other_number(text, {column: value}) == ANOTHER_NUMBER[case]
