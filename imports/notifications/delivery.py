"""Sends notifications: each delivery is claimed, sent and recorded; a failed one is tried
again for a day.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import Q, Value
from django.db.models.functions import Now

from imports.engine.queue import enqueue_once
from imports.fields import WrongKey
from imports.messages import marked as _
from imports.messages import sentence
from imports.models import JobEvent, NotificationDelivery
from imports.models.notifications import ChannelKind, DeliveryStatus
from imports.notifications import channels
from imports.notifications.message import Message, NotDelivered, message_of, message_of_a_test
from imports.states import EventCode

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from imports.messages import Text
    from imports.models import Channel

logger = logging.getLogger(__name__)
LEASE_SECONDS = 120  # longer than a mail or a webhook can take
MOST_AT_ONCE = 20  # then the worker is better used
PAUSES_SECONDS = (10, 60, 300, 1_800, 7_200, 21_600, 43_200)  # after the first try, the second, …

SWITCHED_OFF = sentence("CHANNEL_SWITCHED_OFF", _("The channel was switched off."))
OUR_FAULT = sentence("NOTIFYING_BROKE", _("Redrive itself failed ({error}); see the log."))
NO_KEY_OPENS = sentence(
    "NO_KEY_OPENS_CHANNEL",
    _("No key in CREDENTIAL_KEYS opens its signing secret. Enter it again."),
)
CHANNEL = sentence("CHANNEL", "{channel}")
CHANNEL_SAYS = sentence("CHANNEL_SAYS", "{channel}: {error}")

CLAIM = """
UPDATE imports_notificationdelivery SET tries = tries + 1,
    lease_until = statement_timestamp() + make_interval(secs => %s)
WHERE id = (
    SELECT id FROM imports_notificationdelivery
    WHERE status = 'waiting' AND next_attempt_at <= statement_timestamp()
      AND (lease_until IS NULL OR lease_until < statement_timestamp())
    ORDER BY next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def needs_a_worker() -> bool:
    """Whether something is due and nobody is at it."""
    waiting = NotificationDelivery.objects.filter(status=DeliveryStatus.WAITING)
    under_way = Q(lease_until__gt=Now())
    due = waiting.filter(~under_way, next_attempt_at__lte=Now())
    return due.exists() and not waiting.filter(under_way).exists()


def deliver_due() -> int:
    """Send what is due, up to MOST_AT_ONCE; how many were tried."""
    for tried in range(MOST_AT_ONCE):
        delivery = _claim()
        if delivery is None:
            return tried
        _try(delivery)
    return MOST_AT_ONCE


def _claim() -> NotificationDelivery | None:
    with connection.cursor() as sql:
        sql.execute(CLAIM, [LEASE_SECONDS])
        row = sql.fetchone()
    if row is None:
        return None
    rows = NotificationDelivery.objects.select_related("notification__job", "channel").defer(
        "channel__secret"
    )
    return rows.filter(pk=row[0]).first()  # None: its job was discarded just now


def _try(delivery: NotificationDelivery) -> None:
    try:
        if not delivery.channel.is_active:
            raise NotDelivered(SWITCHED_OFF, is_final=True)
        send(delivery.channel, message_of(delivery))
    except NotDelivered as failure:
        _put_off(delivery, failure.message, is_final=failure.is_final)
    except Exception as error:  # a bug of ours: told, kept, and tried again like the others
        logger.exception("notification %s could not be sent", delivery.pk)
        _put_off(delivery, OUR_FAULT.format(error=type(error).__name__))
    else:
        _end(delivery, DeliveryStatus.SENT, EventCode.NOTIFIED, None)


def send(channel: Channel, message: Message) -> None:
    """By the channel's own way. Raises NotDelivered."""
    try:
        way = channels.send_email if channel.kind == ChannelKind.EMAIL else channels.post
        way(channel, message)
    except WrongKey:
        raise NotDelivered(NO_KEY_OPENS) from None


def send_test(channel: Channel, key: str) -> None:
    """A message about no job, at once. Raises NotDelivered."""
    send(channel, message_of_a_test(channel, key))


def _put_off(delivery: NotificationDelivery, error: Text, *, is_final: bool = False) -> None:
    """Again after a pause; given up after the last one."""
    if is_final or delivery.tries > len(PAUSES_SECONDS):
        _end(delivery, DeliveryStatus.FAILED, EventCode.NOT_NOTIFIED, error)
        return
    pause = timedelta(seconds=PAUSES_SECONDS[delivery.tries - 1])
    _mine(delivery).update(error=error, lease_until=None, next_attempt_at=Now() + Value(pause))


def _end(
    delivery: NotificationDelivery, status: DeliveryStatus, code: EventCode, error: Text | None
) -> None:
    with transaction.atomic():
        ended = _mine(delivery).update(
            status=status, error=error, lease_until=None, ended_at=Now()
        )
        if ended:
            summary = CHANNEL.format(channel=str(delivery.channel))
            if error:
                summary = CHANNEL_SAYS.format(channel=str(delivery.channel), error=error)
            JobEvent.objects.create(job=delivery.notification.job, code=code, message=summary)


def _mine(delivery: NotificationDelivery) -> QuerySet[NotificationDelivery]:
    """The row, unless a later claim has taken it over."""
    waiting = NotificationDelivery.objects.filter(status=DeliveryStatus.WAITING)
    return waiting.filter(pk=delivery.pk, tries=delivery.tries)


def send_again(deliveries: QuerySet[NotificationDelivery]) -> int:
    """Retry failed deliveries from the start; their number."""
    return deliveries.filter(status=DeliveryStatus.FAILED).update(
        status=DeliveryStatus.WAITING, tries=0, next_attempt_at=Now(), ended_at=None
    )


LONGEST_SECONDS = LEASE_SECONDS * MOST_AT_ONCE


def enqueue() -> None:
    """Enqueue the delivery of due notifications before other work, unless it is enqueued.

    Raises RedisError if Redis is down.
    """
    enqueue_once(deliver, "notifications", LONGEST_SECONDS, at_front=True)


def deliver() -> None:
    """Handle the queue message: deliver what is due."""
    deliver_due()
