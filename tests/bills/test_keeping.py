"""What is stored of an attempt: corrected bills beside the old ones, and every bill once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bills import keeping
from bills.accounting import sort_out
from bills.browser.plan import FetchedBill
from bills.browser.report import AttemptReport
from bills.models import Bill
from bills.portals.base import ListedBill
from imports.models import ImportBatch
from tests.bills.runs import credential_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bills.runs import BillMaker

pytestmark = pytest.mark.django_db(transaction=True)


PDF = b"%PDF-1.4\n%%EOF"


def keep(make_bills: BillMaker, folder: Path, *shown: FetchedBill) -> int:
    """Store these bills of one account; how many are new."""
    report = AttemptReport()
    for bill in shown:
        path = folder / f"{bill.sha256[:12]}.part"
        path.write_bytes(PDF)
        report.bills.append(replace(bill, path=path))
    batch = ImportBatch.objects.latest("pk")
    return len(keeping.keep_bills(credential_of("good"), report, batch.pk, 1))


def fetched(number: str, day: date | None, amount: str, content: str, **more: str) -> FetchedBill:
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    path: Path = None  # type: ignore[assignment] # set when it is stored
    bill = FetchedBill(number, day, Decimal(amount), "EUR", path, sha256, len(PDF))
    return replace(bill, **more)  # type: ignore[arg-type] # texts, all of them


OCTOBER = date(2026, 10, 1)


def test_what_differs_in_anything_is_kept_beside(make_bills: BillMaker, tmp_path: Path) -> None:
    make_bills("good")
    bills = [
        fetched("F1", OCTOBER, "120", "invoice"),
        fetched("F1", OCTOBER, "-120", "credit note"),
        fetched("F1", OCTOBER, "120", "corrected"),
        fetched("", OCTOBER, "19.99", "a line", contract="06 11"),
        fetched("", OCTOBER, "19.99", "another line", contract="06 22"),
        fetched("", None, "80.10", "a month", date_text="October 2026"),
    ]
    assert keep(make_bills, tmp_path, *bills) == 6
    assert len({bill.file.name for bill in Bill.objects.all()}) == 6


def test_the_same_bill_is_stored_once(make_bills: BillMaker, tmp_path: Path) -> None:
    make_bills("good")
    bills = [
        fetched("F1", OCTOBER, "120", "invoice"),
        fetched("", None, "80.10", "a month", date_text="October 2026"),
    ]
    assert keep(make_bills, tmp_path, *bills) == 2
    assert keep(make_bills, tmp_path, *bills) == 0
    assert Bill.objects.count() == 2


def test_what_is_kept_is_known_when_it_is_listed_again(
    make_bills: BillMaker, tmp_path: Path
) -> None:
    make_bills("good")
    keep(make_bills, tmp_path, fetched("F1", OCTOBER, "120", "invoice", document="/doc/1"))
    same = ListedBill("F1", OCTOBER, Decimal(120))
    corrected = ListedBill("F1", date(2026, 10, 9), Decimal(140))
    found = sort_out([same, corrected], keeping.known_bills(credential_of("good")))
    assert (found.known, found.new) == ([same], [corrected])
