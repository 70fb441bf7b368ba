"""Names in a ZIP of bills: ours, sensible, and harmless whatever a portal calls its bills."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bills.models import Bill
from bills.storage import file_name, free_name


@pytest.mark.parametrize(
    ("bill", "name"),
    [
        (Bill(number="0012345", date=date(2026, 10, 3)), "2026-10-03_0012345.pdf"),
        (Bill(number="A/../../etc/passwd"), "A-..-..-etc-passwd.pdf"),
        (Bill(number="..", date=date(2026, 10, 3)), "2026-10-03_x.pdf"),
        (Bill(date=date(2026, 10, 3), amount=Decimal("1234.5000")), "2026-10-03_1234.50.pdf"),
        (Bill(number="Faktura åäö 7"), "Faktura-åäö-7.pdf"),
        (Bill(number="9" * 200), "9" * 80 + ".pdf"),
    ],
)
def test_a_bills_file_is_named_by_its_date_and_number(bill: Bill, name: str) -> None:
    assert file_name(bill) == name


def test_two_bills_never_have_one_name() -> None:
    used: set[str] = set()
    names = [
        free_name(name, used) for name in ("a/1.pdf", "a/1.pdf", "A/1.PDF".lower(), "a/2.pdf")
    ]
    assert names == ["a/1.pdf", "a/1_2.pdf", "a/1_3.pdf", "a/2.pdf"]
