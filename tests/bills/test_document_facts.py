"""What a PDF says of itself is compared with the list; a mixed-up document is no bill."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bills.accounting import Listed, facts_in
from bills.browser.plan import Differs, DocumentFacts

TEXT = "Power & Co, Main Street 1. Invoice INV-2026/17 of 3 November 2026 Total 1 234,50 EUR "
LISTED = Listed(
    "INV 2026-17", date(2026, 11, 3), Decimal("1234.50"), frozenset({"INV 2026-17", "INV 2026-18"})
)


def test_a_document_that_agrees_shows_no_difference() -> None:
    assert facts_in(TEXT + "payable by 2026-12-01", LISTED) == DocumentFacts(date(2026, 12, 1))


@pytest.mark.parametrize(
    ("field", "value", "differs"),
    [
        ("number", "INV 2026-1", Differs.NUMBER),
        ("date", date(2026, 11, 4), Differs.DATE),
        ("amount", Decimal("999.50"), Differs.AMOUNT),
    ],
)
def test_what_the_list_says_otherwise_is_named(
    field: str, value: object, differs: Differs
) -> None:
    shown = {name: getattr(LISTED, name) for name in ("number", "date", "amount")}
    facts = facts_in(TEXT, Listed(**(shown | {field: value})))
    assert facts.differs == (differs,)


@pytest.mark.parametrize(
    "text", ["", "Rechnung", "scan " * 40, "Seite 1 von 1"]
)  # pictures, and what a scanner stamps on them
def test_a_document_without_a_text_says_nothing(text: str) -> None:
    assert facts_in(text, LISTED) == DocumentFacts()


def test_a_credit_note_may_leave_out_its_minus() -> None:
    assert facts_in(TEXT, Listed("INV 2026-17", None, Decimal("-1234.50"))).differs == ()


def test_a_document_of_another_listed_bill_is_found_out() -> None:
    facts = facts_in(TEXT.replace("17", "18"), LISTED)
    assert facts.other == "INV 2026-18"
    assert facts_in(TEXT + " replaces INV-2026/18", LISTED).other == ""


def test_a_short_number_proves_nothing() -> None:
    assert facts_in(TEXT, Listed("99", None, None, frozenset({"99", "3"}))).other == ""
