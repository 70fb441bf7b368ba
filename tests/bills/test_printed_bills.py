"""A bill that was printed from a page is stored and shown as such."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from django.template.loader import render_to_string

from bills import keeping
from bills.browser.plan import FetchedBill
from bills.browser.report import AttemptReport
from bills.models import Bill
from config.dev.sandbox.portal_pages import plain_pdf
from imports.models import ImportBatch
from tests.bills.runs import credential_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bills.runs import BillMaker


@pytest.mark.django_db(transaction=True)
def test_a_printed_page_is_marked_in_the_list_of_bills(
    make_bills: BillMaker, tmp_path: Path
) -> None:
    make_bills("good")
    report = AttemptReport()
    for number, is_printed in (("F1", False), ("F2", True)):
        path = tmp_path / number
        path.write_bytes(plain_pdf(number))
        bill = FetchedBill(number, date(2026, 10, 1), None, "", path, number * 32, 5)
        report.bills.append(replace(bill, is_printed=is_printed))
    keeping.keep_bills(credential_of("good"), report, ImportBatch.objects.latest("pk").pk, 1)

    marks = {bill.number: bill.is_printed for bill in Bill.objects.all()}
    assert marks == {"F1": False, "F2": True}
    shown = [
        render_to_string("bills/list/size.html", {"bill": bill})
        for bill in Bill.objects.order_by("number")
    ]
    assert ["printed" in text for text in shown] == [False, True]
