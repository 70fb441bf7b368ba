"""Stored bills, and destinations on this machine."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import pytest
from django.core.files.base import ContentFile

from bills.models import Bill, Destination, Portal

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import Settings


class BillMaker(Protocol):
    """Stores a bill of this number; fields of the model may be given."""

    def __call__(self, number: str, **fields: object) -> Bill: ...


@pytest.fixture
def power(db: None, installation: Path, settings: Settings) -> Portal:
    """A portal that nobody visits."""
    settings.ALLOW_PRIVATE_ADDRESSES = True
    return Portal.objects.create(name="Power & Co", login_url="https://p.example/", billing_url="")


@pytest.fixture
def store(power: Portal) -> BillMaker:
    """Store one bill: store("F1", account="anna@example.test", …)."""

    def stored(number: str, **fields: object) -> Bill:
        content = f"%PDF-1.4 {number} {fields.pop('content', '')}".encode()
        sha256 = hashlib.sha256(content).hexdigest()
        values = {
            "portal": power, "account": "anna@example.test", "email": "anna@example.test",
            "number": number, "date": date(2026, 11, 3), "amount": Decimal("120.50"),
            "currency": "EUR", "sha256": sha256, "size": len(content), "attempt_number": 1,
        }  # fmt: skip
        bill = Bill(**(values | fields))
        bill.file.save(f"bills/1/{sha256[:10]}.pdf", ContentFile(content), save=False)
        bill.save()
        return bill

    return stored


@pytest.fixture
def folder(power: Portal, tmp_path: Path) -> Destination:
    """A folder that all bills are delivered to."""
    place = tmp_path / "accounting"
    place.mkdir()
    return Destination.objects.create(name="accounting", location=str(place))
