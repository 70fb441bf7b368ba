"""Dates and amounts as portals write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bills.portals.lists.cells import DateOrder, dates_in, order_of, read_amount, read_date
from bills.portals.lists.languages import LANGUAGES, month_number, months_of


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1 234,50 kr", "1234.50", "SEK"),
        ("1\u00a0234,50\u00a0kr", "1234.50", "SEK"),
        ("SEK 1.234.567,00", "1234567.00", "SEK"),
        ("$1,234.50", "1234.50", "USD"),
        ("1.234,50 €", "1234.50", "EUR"),
        ("To pay: £12.00", "12.00", "GBP"),
        ("\u221233,10 kr", "-33.10", "SEK"),
        ("12,50", "12.50", ""),
        ("1,234", "1234", ""),
        ("500 kr", "500", "SEK"),
        ("8450 kr", "8450", "SEK"),
        ("- 12,30 €", "-12.30", "EUR"),
        ("12,30-", "-12.30", ""),
        ("12,30 €-", "-12.30", "EUR"),
        ("(12.30)", "-12.30", ""),
        ("($12.30)", "-12.30", "USD"),
        ("-$81.10", "-81.10", "USD"),
        ("$ -120.00", "-120.00", "USD"),
        ("12.30 CR", "-12.30", ""),
        ("CHF 1\u2019234.50", "1234.50", "CHF"),
        ("1'234.50", "1234.50", ""),
        ("20,00 zł", "20.00", "PLN"),
    ],
)
def test_an_amount_is_read(text: str, amount: str, currency: str) -> None:
    assert read_amount(text) == (Decimal(amount), currency)


def test_a_text_without_an_amount_has_none() -> None:
    assert read_amount("paid")[0] is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-05", "Issued 2026/10/5", "5.10.2026", "05/10/2026", "5 October 2026",
        "5 okt 2026", "October 5, 2026", "den 5 oktober 2026, kl 12",
    ],
)  # fmt: skip
def test_a_date_is_read(text: str) -> None:
    assert read_date(text) == date(2026, 10, 5)


def test_a_date_that_the_calendar_lacks_is_none() -> None:
    assert read_date("2026-02-30") is None
    assert read_date("bill 20261005") is None


def test_the_recipes_format_decides_what_comes_first() -> None:
    assert read_date(" 10/05/2026 ", "%m/%d/%Y") == date(2026, 10, 5)
    assert read_date("2026-10-05", "%m/%d/%Y") is None


def test_crowns_are_those_of_the_pages_country() -> None:
    assert [read_amount("5 kr", lang)[1] for lang in ("sv", "nb-NO", "da", "en")] == [
        "SEK", "NOK", "DKK", "SEK",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("27 Juil 2026", 7), ("27 Aoû 2026", 8), ("27 Fév 2026", 2), ("27 Déc 2025", 12),
        ("1er novembre 2026", 11), ("20 de noviembre de 2026", 11), ("3. marraskuuta 2026", 11),
        ("3 listopada 2026", 11), ("3. März 2026", 3), ("3 mrt. 2026", 3), ("20 gen 2026", 1),
        ("Nov 3rd, 2026", 11), ("3-nov-2026", 11), ("3 sty 2026", 1), ("3 maj 2026", 5),
    ],
)  # fmt: skip
def test_months_have_names_in_every_language(text: str, month: int) -> None:
    day = read_date(text)
    assert day is not None
    assert day.month == month


def test_the_pages_language_decides_where_languages_differ() -> None:
    assert month_number("listopad", "pl") == 11
    assert month_number("mar", "fi") == 11
    assert month_number("mar", "es") == 3
    assert month_number("mar") is None
    assert month_number("ma", "fr") is None
    assert month_number("jui", "fr") is None
    for language in LANGUAGES:
        assert set(months_of(language).values()) == set(range(1, 13))


@pytest.mark.parametrize("text", ["November 2026", "11/2026", "2026-11", "nov. 2026"])
def test_a_month_alone_is_no_day(text: str) -> None:
    [found] = dates_in(text)
    assert (found.text, found.day) == (text, None)


@pytest.mark.parametrize("text", ["2026-0311", "06 11 22 33", "4102839998", "1234567890-1"])
def test_a_number_is_no_date(text: str) -> None:
    assert dates_in(text) == []


TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    ("column", "lang", "month_first"),
    [
        (("11/12/2026", "10/09/2026", "09/14/2026"), "en", True),
        (("12/11/2026", "14/10/2026"), "en-US", False),
        (("11/12/2026",), "en", True),  # the other way it lies in the future
        (("11/05/2026", "10/09/2026", "09/12/2026"), "en", True),  # in order of time
        (("03/04/2026",), "en-US", True),
        (("03/04/2026",), "en-GB", False),
        (("03/04/2026",), "fr", False),
        (("03.04.2026",), "en", False),
        (("05/03/2026", "04/02/2026"), "en", None),
        (("13/04/2026", "04/14/2026"), "fr", None),
    ],
)
def test_a_whole_column_decides_what_comes_first(
    column: tuple[str, ...], lang: str, month_first: bool | None
) -> None:
    assert order_of(column, lang, TODAY).month_first is month_first


def test_a_date_whose_order_nobody_knows_is_kept_as_text() -> None:
    unsure = DateOrder(None, "en")
    assert read_date("03/04/2026", order=unsure) is None
    assert [found.text for found in dates_in("03/04/2026", unsure)] == ["03/04/2026"]
    assert read_date("04/04/2026", order=unsure) == date(2026, 4, 4)
