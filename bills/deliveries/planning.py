"""Which bills go where, and under which name: one row for each bill and destination, made exactly
once.

Names are made from a pattern: "{portal}/{date:%Y-%m}_{number}.pdf".
"""

from __future__ import annotations

import re
import string
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max, Value
from django.db.models.functions import Now
from django.utils import timezone

from bills.models import Bill, BillDelivery, Destination
from bills.models.deliveries import STANDARD_PATTERN
from imports.messages import MessageError, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet


MOST_AT_ONCE = 1_000  # bills of one destination in one transaction


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
    # A transaction that stores bills takes seconds. What is older cannot appear any more.
    old = Bill.objects.filter(
        pk__gt=destination.after_bill, fetched_at__lt=Now() - Value(timedelta(days=1))
    )
    most = old.aggregate(most=Max("pk"))["most"]
    if most:
        Destination.objects.filter(pk=destination.pk).update(after_bill=most)


LONGEST_VALUE = 80  # characters of one value
LONGEST_SEGMENT_BYTES = 200  # of a folder's or a file's name; most systems take 255
MOST_SEGMENTS = 10
UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
ENDING = ".pdf"
DATES = ("date", "fetched")
TELLING = ("number", "date", "fetched", "id")
TEXTS = ("portal", "account", "contract", "number", "amount", "currency", "id")

UNKNOWN_FIELD = sentence("PATTERN_UNKNOWN_FIELD", _("“{name}” is not known. Known: {known}."))
BAD_PATTERN = sentence("PATTERN_BROKEN", _("The braces do not match. Example: {example}"))
BAD_DATE_FORMAT = sentence(
    "PATTERN_DATE_FORMAT", _("“{text}” is not a date format. Example: {example}")
)
NO_FORMAT = sentence("PATTERN_NO_FORMAT", _("“{name}” takes no format. Write {example}."))
OUTSIDE = sentence("PATTERN_OUTSIDE", _("A file name may not begin with “/” or contain “..”."))
NO_VALUES = sentence(
    "PATTERN_CONSTANT", _("All bills would have the same name. Use one of {known}.")
)
DATE_FORMAT = re.compile(r"(?:%[YmdybBj]|[^%{}/\\])*")


class BadPattern(MessageError):
    """The pattern cannot name files; the message says why."""


def check_pattern(pattern: str) -> None:
    """Raises BadPattern with what is wrong and how it is written."""
    if pattern.startswith("/") or ".." in pattern:
        raise BadPattern(OUTSIDE)
    names = {name for _text, name, _spec in _parts(pattern) if name}
    if not names.intersection(TELLING):
        known = ", ".join(map(_braced, TELLING))
        raise BadPattern(NO_VALUES.format(known=known))


def file_name(pattern: str, bill: Bill) -> str:
    """The bill's name below a destination: folders with "/", ending in ".pdf".

    Values hold no separators; what a bill does not have is left out, with an empty folder.
    Raises BadPattern.
    """
    segments = [_segment(each, bill) for each in _split(pattern)]
    shown = [each for each in segments if each][:MOST_SEGMENTS]
    if not shown or not segments[-1]:
        shown.append(f"bill-{bill.pk}")
    return "/".join(shown) + ENDING


def numbered(name: str, number: int) -> str:
    """The name for the `number`th bill that would have it."""
    return f"{name.removesuffix(ENDING)}_{number}{ENDING}"


def _split(pattern: str) -> list[str]:
    return re.split(r"/(?![^{]*\})", pattern.removesuffix(ENDING))


def _parts(pattern: str) -> Iterator[tuple[str, str, str]]:
    """(text, field, format) of each part. Raises BadPattern."""
    try:
        parsed = list(string.Formatter().parse(pattern))
    except ValueError:
        raise BadPattern(
            BAD_PATTERN.format(example="{portal}/{account}/{date:%Y-%m}_{number}.pdf")
        ) from None
    for text, name, spec, conversion in parsed:
        if name is not None:
            _check_field(name, spec or "", conversion)
        yield text, name or "", spec or ""


def _check_field(name: str, spec: str, conversion: str | None) -> None:
    if name not in (*TEXTS, *DATES) or conversion:
        known = ", ".join(map(_braced, (*TEXTS, *DATES)))
        raise BadPattern(UNKNOWN_FIELD.format(name=_braced(name[:40]), known=known))
    if name in TEXTS and spec:
        raise BadPattern(NO_FORMAT.format(name=name, example=_braced(name)))
    if not DATE_FORMAT.fullmatch(spec):
        raise BadPattern(BAD_DATE_FORMAT.format(text=spec[:40], example="{date:%Y-%m-%d}"))


def _braced(name: str) -> str:
    return f"{{{name}}}"


def _segment(pattern: str, bill: Bill) -> str:
    made = "".join(
        text + (_value(bill, name, spec) if name else "") for text, name, spec in _parts(pattern)
    )
    return _cut(UNSAFE.sub("-", made)).strip(" ._-")


def _value(bill: Bill, name: str, spec: str) -> str:
    if name in DATES:
        day = bill.date if name == "date" else timezone.localdate(bill.fetched_at)
        return day.strftime(spec or "%Y-%m-%d") if day else ""
    amount = "" if bill.amount is None else f"{bill.amount:.2f}"
    values = {
        "portal": str(bill.portal), "account": bill.email, "contract": bill.contract,
        "number": bill.number, "amount": amount, "currency": bill.currency, "id": str(bill.pk),
    }  # fmt: skip
    text = unicodedata.normalize("NFC", " ".join(values[name].split()))
    return UNSAFE.sub("-", text)[:LONGEST_VALUE]


def _cut(text: str) -> str:
    return text.encode()[:LONGEST_SEGMENT_BYTES].decode(errors="ignore")
