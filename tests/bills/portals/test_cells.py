"""Dates and amounts as portals write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bills.portals.cells import read_amount, read_date


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
