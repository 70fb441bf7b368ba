"""Which bills are one, which of the listed are new, and where a document belongs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bills.accounting import RowCounts, are_one, differ, place_document, sort_out
from bills.browser.plan import BillKey, FetchedBill, KnownBill
from bills.portals.base import ListedBill
from bills.portals.failures import Code, PortalError

FULL = BillKey("F1", date(2026, 10, 1), Decimal("12.30"), "06 11", "2026-10-01", "/doc/1")


@pytest.mark.parametrize(
    "change",
    [
        {"number": "F2"},
        {"amount": Decimal("-12.30")},
        {"contract": "06 22"},
        {"date": date(2026, 10, 2), "date_text": "2026-10-02"},
    ],
)
def test_whatever_differs_makes_another_bill(change: dict[str, object]) -> None:
    other = replace(FULL, **change)  # type: ignore[arg-type]
    assert differ(FULL, other)
    assert not are_one(FULL, other)


@pytest.mark.parametrize(
    "change",
    [
        {"number": ""}, {"amount": None}, {"contract": ""}, {"contract": "0611"}, {"document": ""},
        {"date": None}, {"document": "/doc/1?token=2"}, {"amount": Decimal("12.3000")},
    ],
)  # fmt: skip
def test_what_is_not_shown_does_not_differ(change: dict[str, object]) -> None:
    assert are_one(FULL, replace(FULL, **change))  # type: ignore[arg-type]


def test_an_amount_alone_proves_nothing() -> None:
    assert not are_one(BillKey(amount=Decimal(5)), BillKey(amount=Decimal(5)))


def test_months_in_words_tell_bills_apart() -> None:
    october, november = BillKey(date_text="October 2026"), BillKey(date_text="November 2026")
    assert differ(october, november)
    assert are_one(october, replace(october, date=date(2026, 10, 1)))


def listed(key: BillKey) -> ListedBill:
    return ListedBill(
        key.number, key.date, key.amount, "", None, key.contract, key.date_text, key.document
    )


def test_a_corrected_bill_under_the_same_number_is_new() -> None:
    corrected = replace(FULL, amount=Decimal(20))
    found = sort_out([listed(corrected)], [KnownBill(FULL, "a")])
    assert [bill.key for bill in found.new] == [corrected]


def test_of_rows_that_look_alike_the_address_tells_which_is_kept() -> None:
    second = replace(FULL, document="/doc/2")
    found = sort_out([listed(FULL), listed(second)], [KnownBill(FULL, "a")])
    assert [bill.key for bill in found.known] == [FULL]
    assert [bill.key for bill in found.new] == [second]


def test_where_no_address_tells_the_documents_must() -> None:
    key = replace(FULL, document="")
    both = [listed(key), listed(key)]
    assert sort_out(both, [KnownBill(key, "a")]).unsure == both
    assert sort_out(both, [KnownBill(key, "a"), KnownBill(key, "b")]).known == both


def fetched(key: BillKey, sha256: str) -> FetchedBill:
    return FetchedBill(
        key.number, key.date, key.amount, "", Path("x"), sha256, 1,
        key.contract, key.date_text, key.document,
    )  # fmt: skip


def test_a_stored_document_is_known() -> None:
    assert place_document(fetched(FULL, "a"), [], [KnownBill(replace(FULL, number=""), "a")]) == (
        "known"
    )


def test_one_document_for_two_bills_belongs_to_neither() -> None:
    before = [fetched(FULL, "a"), fetched(replace(FULL, number="F3"), "c")]
    with pytest.raises(PortalError) as refusal:
        place_document(fetched(replace(FULL, number="F2"), "a"), before, [])
    assert refusal.value.code is Code.TWO_BILLS_ONE_KEY
    assert [bill.number for bill in before] == ["F3"]
    with pytest.raises(PortalError):
        place_document(fetched(replace(FULL, number="F2"), "k"), [], [KnownBill(FULL, "k")])


def test_of_two_rows_with_one_document_the_one_that_says_more_stays() -> None:
    before = [fetched(BillKey(amount=FULL.amount), "a")]
    assert place_document(fetched(FULL, "a"), before, []) == "repeated"
    assert [bill.key for bill in before] == [FULL]


def test_rows_are_counted_like_a_jobs_records() -> None:
    rows = RowCounts(seen=7, kept=2, known=1)
    rows.others.update({"payment": 2, "older": 1})
    assert rows.missing == 1
    assert rows.as_json()["others"] == {"older": 1, "payment": 2}
