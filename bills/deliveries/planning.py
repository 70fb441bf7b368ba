"""Which bills go where: one row for each bill and destination, made exactly once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max, Value
from django.db.models.functions import Now

from bills.deliveries.names import BadPattern, file_name, numbered
from bills.models import Bill, BillDelivery, Destination
from bills.models.deliveries import STANDARD_PATTERN

if TYPE_CHECKING:
    from django.db.models import QuerySet

MOST_AT_ONCE = 1_000  # bills of one destination in one transaction
# A transaction that stores bills takes seconds. What is older cannot appear any more.
CERTAIN_AFTER = timedelta(days=1)


def plan_all() -> int:
    """Make the missing deliveries of every active destination; how many."""
    active = Destination.objects.filter(is_active=True).values_list("pk", flat=True)
    return sum(_plan(pk) for pk in active)


def start_from_now(destination: Destination) -> None:
    """Deliver only what is fetched after this moment. To be saved by the caller."""
    destination.after_bill = Bill.objects.aggregate(most=Max("pk"))["most"] or 0


def include_earlier(destination: Destination) -> None:
    """Deliver the bills that were there before the destination, too."""
    Destination.objects.filter(pk=destination.pk).update(after_bill=0)


def _plan(pk: int) -> int:
    made = 0
    while True:
        with transaction.atomic():
            # The row's lock keeps other sweepers out while names are chosen.
            rows = Destination.objects.select_for_update().defer("secret")
            destination = rows.filter(pk=pk, is_active=True).first()
            if destination is None:
                return made
            found = list(_missing(destination)[:MOST_AT_ONCE])
            for bill in found:
                _make(destination, bill)
            made += len(found)
            if len(found) < MOST_AT_ONCE:
                _remember(destination)
                return made


def _missing(destination: Destination) -> QuerySet[Bill]:
    bills = Bill.objects.filter(pk__gt=destination.after_bill).select_related("portal")
    chosen = destination.portals.values("pk")
    if chosen.exists():
        bills = bills.filter(portal__in=chosen)
    return bills.exclude(deliveries__destination=destination).order_by("pk")


def _make(destination: Destination, bill: Bill) -> None:
    try:
        name = file_name(destination.name_pattern, bill)
    except BadPattern:  # the form refuses it; somebody else has written it
        name = file_name(STANDARD_PATTERN, bill)
    free, number = name, 1
    taken = destination.deliveries.all()
    while taken.filter(name__iexact=free).exists():
        number += 1
        free = numbered(name, number)
    BillDelivery.objects.create(destination=destination, bill=bill, name=free)


def _remember(destination: Destination) -> None:
    """Where the next look begins: rows may appear in another order than their ids."""
    old = Bill.objects.filter(
        pk__gt=destination.after_bill, fetched_at__lt=Now() - Value(CERTAIN_AFTER)
    )
    most = old.aggregate(most=Max("pk"))["most"]
    if most:
        Destination.objects.filter(pk=destination.pk).update(after_bill=most)
