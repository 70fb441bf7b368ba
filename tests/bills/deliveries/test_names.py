"""Names of delivered files."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bills.deliveries.planning import BadPattern, check_pattern, file_name
from bills.models import Bill, Portal

BILL = Bill(
    pk=7, portal=Portal(name="Power & Co"), email="anna@example.test", number="2026/0017",
    date=date(2026, 11, 3), amount=Decimal("-12.5"), currency="EUR", contract="",
    fetched_at=datetime(2026, 11, 27, 12, tzinfo=UTC),
)  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{portal}/{account}/{date:%Y-%m}_{number}.pdf",
         "Power & Co/anna@example.test/2026-11_2026-0017.pdf"),
        ("{portal}/{contract}/{number}", "Power & Co/2026-0017.pdf"),
        ("{date:%d.%m.%Y} {amount} {currency}.pdf", "03.11.2026 -12.50 EUR.pdf"),
        ("{fetched}-{id}", "2026-11-27-7.pdf"),
        ("{contract}{id}/{contract}", "7/bill-7.pdf"),
    ],
)  # fmt: skip
def test_a_pattern_names_a_file(pattern: str, name: str) -> None:
    check_pattern(pattern)
    assert file_name(pattern, BILL) == name


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("{numbr}", "PATTERN_UNKNOWN_FIELD"),
        ("{number.pk}", "PATTERN_UNKNOWN_FIELD"),
        ("{number[0]}", "PATTERN_UNKNOWN_FIELD"),
        ("{number!r}", "PATTERN_UNKNOWN_FIELD"),
        ("{}", "PATTERN_UNKNOWN_FIELD"),
        ("{number", "PATTERN_BROKEN"),
        ("{number:>900000000}", "PATTERN_NO_FORMAT"),
        ("{date:%s}", "PATTERN_DATE_FORMAT"),
        ("/etc/{number}", "PATTERN_OUTSIDE"),
        ("../{number}", "PATTERN_OUTSIDE"),
        ("{portal}.pdf", "PATTERN_CONSTANT"),
    ],
)
def test_a_pattern_that_cannot_name_files_says_why(pattern: str, code: str) -> None:
    with pytest.raises(BadPattern) as raised:
        check_pattern(pattern)
    assert getattr(raised.value.message, "code", "") == code


@pytest.mark.parametrize("number", ["../../etc/passwd", "a/b\\c", "\x00\n", "..", "x" * 5_000])
def test_no_value_leads_out_of_its_folder(number: str) -> None:
    hostile = Bill(pk=8, portal=Portal(name="../up"), email="..", number=number)
    name = file_name("{portal}/{account}/{number}", hostile)
    assert ".." not in name.split("/")
    assert not name.startswith("/")
    assert all(0 < len(part.encode()) <= 255 for part in name.split("/"))
