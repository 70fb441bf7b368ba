"""Delivers bills: each is claimed, sent and recorded; what failed is tried again for two days.

Where files can be looked at (a folder, S3, SFTP), a delivery whose worker died is simply tried
again: a file that is there already counts as delivered, and nothing is written twice. A program
behind a webhook tells a repeated delivery by its id. Nobody can look into a mailbox: a mail whose
worker died becomes unknown, for a person to decide.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO

from django.db import connection, transaction
from django.db.models import Count, Q, Value
from django.db.models.functions import Now

from bills.deliveries import lists, planning
from bills.deliveries.destinations import NO_KEY_OPENS, Folder, Mail, OutgoingFile
from bills.models import BillDelivery, Destination
from bills.models.deliveries import KEEPING_FILES, DeliveryState, DestinationKind
from imports.engine.queue import enqueue_once
from imports.fields import WrongKey
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import JobEvent
from imports.remote import RemoteFailure
from imports.states import EventCode

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from bills.deliveries.destinations import DestinationClient
    from bills.models import Bill
    from imports.messages import Text

logger = logging.getLogger(__name__)
LEASE_SECONDS = 300  # longer than any destination may take for one file
TURN_SECONDS = 120.0  # of one destination; then others get their turn
LIST_PAUSE = timedelta(minutes=5)  # before a list that could not be written is tried again
PAUSES_SECONDS = (10, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400)

FILE_GONE = sentence(
    "BILL_FILE_GONE", _("The bill’s own file is missing. Fetch it again, or restore a backup.")
)
OUR_FAULT = sentence(
    "DELIVERING_BROKE", _("Redrive itself failed ({error}). The worker’s log says more.")
)
MAIL_UNKNOWN = sentence(
    "MAIL_UNDER_WAY",
    _("The worker died while the mail was under way. Look into the mailbox, then decide."),
)
NOT_DELIVERED = sentence("BILL_NOT_DELIVERED", "{name} → {destination}: {error}")

CLAIM = """
UPDATE bills_billdelivery SET status = 'sending', tries = tries + 1,
    lease_until = statement_timestamp() + make_interval(secs => %s)
WHERE id = (
    SELECT id FROM bills_billdelivery
    WHERE status = 'waiting' AND next_attempt_at <= statement_timestamp() AND destination_id = %s
    ORDER BY next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def due() -> QuerySet[BillDelivery]:
    """What a worker could deliver now."""
    return BillDelivery.objects.filter(
        status=DeliveryState.WAITING, next_attempt_at__lte=Now(), destination__is_active=True
    )


def expire() -> int:
    """Take deliveries back from dead workers; how many. A mail may have gone out: unknown."""
    dead = BillDelivery.objects.filter(status=DeliveryState.SENDING, lease_until__lt=Now())
    if not dead.exists():
        return 0
    mails = Q(destination__kind=DestinationKind.EMAIL)
    unknown = dead.filter(mails).update(
        status=DeliveryState.UNKNOWN, lease_until=None, error=MAIL_UNKNOWN
    )
    again = dead.exclude(mails).update(
        status=DeliveryState.WAITING, lease_until=None, next_attempt_at=Now()
    )
    return unknown + again


def deliver_due() -> int:
    """Deliver what is due, one destination after the other; how many were tried."""
    return sum(_deliver_to(pk) for pk in _destinations_at_work())


def _destinations_at_work() -> list[int]:
    unlisted = Q(
        status=DeliveryState.DELIVERED, is_listed=False, destination__kind__in=KEEPING_FILES,
        destination__next_list_at__lte=Now(),
    ) & ~Q(destination__list_format="")  # fmt: skip
    waiting = Q(status=DeliveryState.WAITING, next_attempt_at__lte=Now())
    rows = BillDelivery.objects.filter(waiting | unlisted, destination__is_active=True)
    return list(rows.order_by("destination").values_list("destination", flat=True).distinct())


def needs_a_worker() -> bool:
    """Whether there is anything for `deliver_due`."""
    return bool(_destinations_at_work())


def _deliver_to(pk: int) -> int:
    """One connection for all that is due there. Where it can't be opened, one delivery says so."""
    tried, ends_at = 0, time.monotonic() + TURN_SECONDS
    client: DestinationClient | None = None
    try:
        while time.monotonic() < ends_at and (delivery := _claim(pk)) is not None:
            tried += 1
            client = client or _opened(delivery)
            if client is None:
                return tried
            _try(client, delivery)
        destination = Destination.objects.defer("secret").get(pk=pk)
        if months := lists.due_months(destination):
            client = client or open_destination(destination)
            lists.write(destination, client, months)
    except (RemoteFailure, WrongKey) as failure:
        Destination.objects.filter(pk=pk).update(next_list_at=Now() + Value(LIST_PAUSE))
        logger.warning("destination %s: its list was not written (%s)", pk, type(failure).__name__)
    except Destination.DoesNotExist:
        pass  # it was deleted just now
    finally:
        if client is not None:
            client.close()
    return tried


def _opened(delivery: BillDelivery) -> DestinationClient | None:
    """The destination, ready; None once the delivery says why it is not."""
    try:
        return open_destination(delivery.destination)
    except RemoteFailure as failure:
        _put_off(delivery, failure.message, is_final=failure.is_final)
    except WrongKey:
        _put_off(delivery, NO_KEY_OPENS, is_final=True)
    except Exception as error:  # a fault of ours: recorded, and tried again
        logger.exception("destination %s could not be opened", delivery.destination_id)
        _put_off(delivery, OUR_FAULT.format(error=type(error).__name__))
    return None


def _claim(destination_id: int) -> BillDelivery | None:
    with connection.cursor() as sql:
        sql.execute(CLAIM, [LEASE_SECONDS, destination_id])
        row = sql.fetchone()
    if row is None:
        return None
    rows = BillDelivery.objects.select_related("bill__portal", "bill__batch", "destination")
    return rows.defer("destination__secret").get(pk=row[0])


def _try(client: DestinationClient, delivery: BillDelivery) -> None:
    """No transaction is open while the destination is spoken to."""
    try:
        client.put(_outgoing(delivery))
    except RemoteFailure as failure:
        if failure.may_have_arrived:
            _leave_unknown(delivery, failure.message)
        else:
            _put_off(delivery, failure.message, is_final=failure.is_final)
    except FileNotFoundError:
        _put_off(delivery, FILE_GONE)
    except Exception as error:  # a fault of ours: recorded, and tried again
        logger.exception("delivery %s failed", delivery.pk)
        unsure = delivery.destination.kind == DestinationKind.EMAIL
        give_back = _leave_unknown if unsure else _put_off
        give_back(delivery, OUR_FAULT.format(error=type(error).__name__))
    else:
        _mine(delivery).update(
            status=DeliveryState.DELIVERED, lease_until=None, delivered_at=Now(), error=None
        )


def _outgoing(delivery: BillDelivery) -> OutgoingFile:
    bill: Bill = delivery.bill

    def opened() -> BinaryIO:
        return bill.file.storage.open(str(bill.file.name), "rb")  # type: ignore[return-value]

    if not bill.file.storage.exists(str(bill.file.name)):
        raise FileNotFoundError(bill.file.name)  # before the destination is asked
    key = f"redrive-bill-{delivery.pk}-{bill.sha256[:12]}"
    return OutgoingFile(delivery.name, bill.size, bill.sha256, opened, bill, key)


def _put_off(delivery: BillDelivery, error: Text, *, is_final: bool = False) -> None:
    """Again after a pause; given up after the last one."""
    if is_final or delivery.tries > len(PAUSES_SECONDS):
        _give_up(delivery, error)
        return
    pause = timedelta(seconds=PAUSES_SECONDS[delivery.tries - 1])
    _mine(delivery).update(
        status=DeliveryState.WAITING, error=error, lease_until=None,
        next_attempt_at=Now() + Value(pause),
    )  # fmt: skip


def _leave_unknown(delivery: BillDelivery, error: Text) -> None:
    _mine(delivery).update(status=DeliveryState.UNKNOWN, error=error, lease_until=None)


def _give_up(delivery: BillDelivery, error: Text) -> None:
    """Failed for now, and the log of the bill's job says so."""
    with transaction.atomic():
        given_up = _mine(delivery).update(
            status=DeliveryState.FAILED, error=error, lease_until=None
        )
        if given_up and delivery.bill.batch is not None:
            said = NOT_DELIVERED.format(
                name=delivery.name, destination=str(delivery.destination), error=error
            )
            JobEvent.objects.create(
                job_id=delivery.bill.batch.job_id, code=EventCode.NOT_DELIVERED, message=said
            )


def _mine(delivery: BillDelivery) -> QuerySet[BillDelivery]:
    """The row, unless a later claim has taken it over."""
    sending = BillDelivery.objects.filter(status=DeliveryState.SENDING)
    return sending.filter(pk=delivery.pk, tries=delivery.tries)


# What a person decides


def counts_of(destination: Destination) -> dict[str, int]:
    """{"delivered", "waiting", "undelivered"}: the last need a person."""
    rows = destination.deliveries.order_by().values_list("status").annotate(n=Count("pk"))
    found = dict(rows)
    waiting = (DeliveryState.WAITING, DeliveryState.SENDING)
    return {
        "delivered": found.get(DeliveryState.DELIVERED, 0),
        "waiting": sum(found.get(each, 0) for each in waiting),
        "undelivered": sum(found.get(each, 0) for each in UNDELIVERED),
    }


UNDELIVERED = (DeliveryState.FAILED, DeliveryState.UNKNOWN)


def try_again(deliveries: QuerySet[BillDelivery]) -> int:
    """Deliver what failed, or is unknown, as if for the first time; how many."""
    return deliveries.filter(status__in=UNDELIVERED).update(
        status=DeliveryState.WAITING, tries=0, next_attempt_at=Now()
    )


def mark_delivered(deliveries: QuerySet[BillDelivery]) -> int:
    """Record that unknown ones had arrived; how many."""
    return deliveries.filter(status=DeliveryState.UNKNOWN).update(
        status=DeliveryState.DELIVERED, delivered_at=Now(), error=None
    )


# The queue

LONGEST_SECONDS = 3_600


def enqueue() -> None:
    """Enqueue the delivery of what is due, unless it is enqueued. Raises RedisError."""
    enqueue_once(deliver, "deliveries of bills", LONGEST_SECONDS)


def deliver() -> None:
    """Handle the queue message: deliver what is due."""
    deliver_due()


def sweep() -> None:
    """Plan new deliveries, take back those of dead workers, and call a worker if one is needed.

    Raises RedisError if Redis is down; the next sweep calls again.
    """
    planning.plan_all()
    expire()
    if needs_a_worker():
        enqueue()


def open_destination(destination: Destination) -> DestinationClient:
    """A client for the destination, connected where its kind connects.

    Raises RemoteFailure, and WrongKey where no key opens its secret.
    """
    if destination.kind == DestinationKind.FOLDER:
        return Folder(destination)
    if destination.kind == DestinationKind.EMAIL:
        return Mail(destination)
    from bills.deliveries import remote_destinations as remote  # boto3, paramiko: where used

    match DestinationKind(destination.kind):
        case DestinationKind.S3:
            return remote.S3(destination)
        case DestinationKind.SFTP:
            return remote.Sftp(destination)
        case _:
            return remote.Webhook(destination)
