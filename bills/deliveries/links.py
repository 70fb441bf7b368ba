"""Addresses under which one bill's file can be had without a login, for a limited time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing
from django.urls import reverse

if TYPE_CHECKING:
    from bills.models import Bill

SALT = "bills.deliveries.links"


def address(bill: Bill) -> str:
    """The whole URL: it ends to work after BILL_LINK_HOURS."""
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
