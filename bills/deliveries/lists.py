"""The list of a month's bills that lies beside them: CSV or JSON."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models.functions import TruncMonth

from bills.deliveries.destinations.base import OutgoingFile
from bills.models.deliveries import BillDelivery, DeliveryState, ListFormat
from imports.exports import safe_cell

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from bills.deliveries.destinations.base import DestinationClient
    from bills.models import Bill, Destination

COLUMNS = (
    "portal", "account", "contract", "number", "date", "due_date", "amount", "currency", "file",
    "sha256", "fetched_at",
)  # fmt: skip
TYPES = {ListFormat.CSV: "text/csv; charset=utf-8", ListFormat.JSON: "application/json"}


def entry(bill: Bill) -> dict[str, Any]:
    """What a list says of one bill; amounts as decimal text, days as ISO dates, "" for none."""
    return {
        "portal": str(bill.portal),
        "account": bill.email,
        "contract": bill.contract,
        "number": bill.number,
        "date": str(bill.date or ""),
        "due_date": str(bill.due_date or ""),
        "amount": "" if bill.amount is None else f"{bill.amount:.2f}",
        "currency": bill.currency,
        "fetched_at": bill.fetched_at.isoformat(),
    }


def write_due(destination: Destination, client: DestinationClient) -> int:
    """Write the list of every month that has bills which it does not name yet; how many lists.

    Raises NotDelivered; what was not written stays due.
    """
    if not destination.list_format or not destination.keeps_files:
        return 0
    unlisted = destination.deliveries.filter(status=DeliveryState.DELIVERED, is_listed=False)
    months = unlisted.annotate(month=TruncMonth("bill__fetched_at")).values_list("month", flat=True)
    due = sorted(set(months.order_by()))
    for month in due:
        _write(destination, client, month)
    return len(due)


def _write(
    destination: Destination, client: DestinationClient, month: datetime.datetime
) -> None:
    found = destination.deliveries.filter(status=DeliveryState.DELIVERED)
    of_month = found.annotate(month=TruncMonth("bill__fetched_at")).filter(month=month)
    rows = list(of_month.select_related("bill__portal").order_by("pk"))
    kind = ListFormat(destination.list_format)
    content = (_csv if kind == ListFormat.CSV else _json)(rows)
    client.put(
        OutgoingFile(
            f"bills_{month:%Y-%m}.{kind}", len(content), hashlib.sha256(content).hexdigest(),
            lambda: io.BytesIO(content), content_type=TYPES[kind],
        )
    )  # fmt: skip
    BillDelivery.objects.filter(pk__in=[row.pk for row in rows]).update(is_listed=True)


def _entries(rows: Iterable[BillDelivery]) -> list[dict[str, Any]]:
    return [entry(row.bill) | {"file": row.name, "sha256": row.bill.sha256} for row in rows]


def _csv(rows: Iterable[BillDelivery]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for each in _entries(rows):
        amount = Decimal(each["amount"]) if each["amount"] else ""  # a number is no formula
        cells = each | {"amount": amount}
        writer.writerow({name: safe_cell(value) for name, value in cells.items()})
    return text.getvalue().encode("utf-8-sig")  # Excel takes it for UTF-8 then


def _json(rows: Iterable[BillDelivery]) -> bytes:
    return json.dumps(_entries(rows), ensure_ascii=False, indent=1).encode()
