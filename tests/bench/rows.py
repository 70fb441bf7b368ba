"""A whole import of the same customers from a CSV and from JSON: making records of rows is small.

`BENCH_ROWS=10000` tries it with fewer; `BENCH_TURNS` says how often.
"""

from __future__ import annotations

import csv
import os
import statistics
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings

from config.dev.sandbox.samples import customer
from imports.models import CustomerApi, RecordTemplate
from tests.bench import importing
from tests.bench.results import Section

if TYPE_CHECKING:
    from pathlib import Path

ROWS = int(os.environ.get("BENCH_ROWS", "100000"))
COLUMNS = {
    "Customer": "person.customerId", "First name": "person.firstName",
    "Last name": "person.lastName", "User name": "person.username", "Born": "person.birthday",
    "Language": "person.languageCode", "Street": "person.addresses.0.street",
    "Postcode": "person.addresses.0.postalCode", "City": "person.addresses.0.city",
    "Country": "person.addresses.0.countryCode", "E-mail": "person.emails.0.email",
    "Telephone": "person.phones.0.number", "Card": "person.customerCards.0.number",
}  # fmt: skip
CONSTANTS = {
    "changeType": "CREATE", "type": "PERSON", "person.status": "UNACTIVATED",
    "person.addresses.0.contactPurposeTypeCode": "PRIVATE",
    "person.addresses.0.contactMethodTypeCode": "HOME",
    "person.emails.0.defaultEmail": True,
    "person.emails.0.contactPurposeTypeCode": "PRIVATE",
    "person.emails.0.contactMethodTypeCode": "EMAIL",
    "person.phones.0.contactMethodTypeCode": "MOBILE",
    "person.customerCards.0.type": "MAIN_CARD", "person.customerCards.0.scope": "GLOBAL",
}  # fmt: skip


def run() -> Section:
    """Both in turn; medians."""
    section = Section(f"{ROWS:,} customers from a CSV, beside the same from JSON")
    with importing.api() as url:
        importing.api_row(url, importing.IN_FLIGHT)
        _save_template()
        turns = [
            (
                importing.ours(url, importing.customers(ROWS), ROWS),
                importing.ours(url, _table(ROWS), ROWS),
            )
            for _turn in range(importing.TURNS)
        ]
    json, table = (
        statistics.median(each.whole for each in ways) for ways in zip(*turns, strict=True)
    )
    section.add("from JSON, from the command to the last outcome", f"{json:.1f} s")
    section.add("from the CSV", f"{table:.1f} s")
    section.add("its private memory", f"{max(each.megabytes for _, each in turns):,.0f} MB")
    section.ratio("from the CSV : from JSON", table / json, at_most=1.3)
    return section


def _save_template() -> None:
    fields: list[dict[str, Any]] = [
        {"path": path, "column": heading} for heading, path in COLUMNS.items()
    ]
    fields[4] |= {"type": "date"}
    fields += [{"path": path, "constant": value} for path, value in CONSTANTS.items()]
    RecordTemplate.objects.update_or_create(
        api=CustomerApi.objects.get(name="naming"), name="bench",
        defaults={"document": {"fields": fields}, "headings": list(COLUMNS)},
    )  # fmt: skip


def _table(size: int) -> Path:
    """A CSV of sample customers that no job knows."""
    path: Path = settings.HOME / "importing" / f"customers_{size}.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(COLUMNS)
        for n in range(size):
            person = customer(n)["person"]
            if not n:
                person["lastName"] += str(time.time_ns())
            writer.writerow(_value(person, path) for path in COLUMNS.values())
    return path


def _value(person: dict[str, Any], path: str) -> Any:
    found: Any = {"person": person}
    for step in path.split("."):
        found = found[int(step) if step.isdecimal() else step]
    return found
