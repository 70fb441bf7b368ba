"""What goes with bills that are delivered: the list of a month, as CSV or JSON, and links to
files.

The address of a file can be opened without a login, for a limited time.
"""

from __future__ import annotations

import hashlib
import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import signing
from django.db.models.functions import TruncMonth
from django.urls import reverse

from bills.deliveries.destinations import OutgoingFile
from bills.models.deliveries import BillDelivery, DeliveryState, ListFormat
from imports.exports import csv_rows

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Iterator

    from bills.deliveries.destinations import DestinationClient
    from bills.models import Bill, Destination


ENTRY = (
    "portal", "account", "contract", "number", "date", "due_date", "amount", "currency",
    "fetched_at",
)  # fmt: skip
COLUMNS = (*ENTRY, "file", "sha256")
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
        "amount": "" if bill.amount is None else str(bill.amount),
        "currency": bill.currency,
        "fetched_at": bill.fetched_at.isoformat(),
    }


def write(
    destination: Destination, client: DestinationClient, months: list[datetime.datetime]
) -> None:
    """Write the lists of these months. Raises RemoteFailure; what was not written stays due."""
    for month in months:
        _write(destination, client, month)


def due_months(destination: Destination) -> list[datetime.datetime]:
    """The months with delivered bills that their list does not name yet; none where no list is."""
    if not destination.list_format or not destination.keeps_files:
        return []
    unlisted = destination.deliveries.filter(status=DeliveryState.DELIVERED, is_listed=False)
    months = unlisted.annotate(month=TruncMonth("bill__fetched_at")).values_list(
        "month", flat=True
    )
    return sorted(set(months.order_by()))


def _write(destination: Destination, client: DestinationClient, month: datetime.datetime) -> None:
    found = destination.deliveries.filter(status=DeliveryState.DELIVERED)
    end = (month + timedelta(days=32)).replace(day=1)
    of_month = found.filter(bill__fetched_at__gte=month, bill__fetched_at__lt=end)
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


def cells(bill: Bill, file: str) -> list[object]:
    """The row of COLUMNS: amounts as numbers, so that no spreadsheet takes -5 for a formula."""
    row = entry(bill) | {"file": file, "sha256": bill.sha256, "amount": bill.amount}
    return [row[name] for name in COLUMNS]


def csv_of(bills: Iterable[tuple[Bill, str]]) -> Iterator[bytes]:
    """These bills with their files' names, in pieces."""
    return csv_rows(COLUMNS, (cells(bill, file) for bill, file in bills))


def json_of(bills: Iterable[tuple[Bill, str]]) -> Iterator[bytes]:
    """The same as one JSON list, an entry a line."""
    before = b"[\n"
    for bill, file in bills:
        row = entry(bill) | {"file": file, "sha256": bill.sha256}
        yield before + json.dumps(row, ensure_ascii=False).encode()
        before = b",\n"
    yield b"\n]\n" if before == b",\n" else b"[]\n"


def _csv(rows: Iterable[BillDelivery]) -> bytes:
    return b"".join(csv_rows(COLUMNS, (cells(row.bill, row.name) for row in rows)))


def _json(rows: Iterable[BillDelivery]) -> bytes:
    return json.dumps(_entries(rows), ensure_ascii=False, indent=1).encode()


SALT = "bills.deliveries.links"


def address(bill: Bill) -> str:
    """The whole URL: it stops working after BILL_LINK_HOURS."""
    token = signing.dumps([bill.pk, bill.sha256[:16]], salt=SALT)
    return f"{settings.SITE_URL}{reverse('bill_file', args=[token])}"


def bill_of(token: str) -> tuple[int, str] | None:
    """The bill's id and the beginning of its SHA-256; None for a link that is none, or is old."""
    try:
        pk, digest = signing.loads(
            token, salt=SALT, max_age=timedelta(hours=settings.BILL_LINK_HOURS)
        )
    except (signing.BadSignature, TypeError, ValueError):
        return None
    return int(pk), str(digest)
