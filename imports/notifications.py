"""Notifies people about jobs: the message, and its delivery to a mailbox or a webhook.

The ledger writes notifications (imports.ledger.lifecycle). Here they are claimed, sent and
recorded, with no transaction open while one is under way; a failed one is tried again for a day.
E-mails go through the mail server of EMAIL_URL. A POST to a webhook is signed as
https://www.standardwebhooks.com describes.

A notification holds a job's name, numbers and a link, and nothing of a record or a secret: to
people as a mail, to programs as JSON, the same at every try.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException
from smtplib import SMTPException, SMTPResponseException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from urllib3.exceptions import HTTPError

from imports.engine.queue import enqueue_once
from imports.fields import WrongKey
from imports.http import egress
from imports.http.addresses import BadAddress, check_url
from imports.http.certificates import BadCertificates
from imports.http.exchange import BrokeOff
from imports.http.transport import DeadlineMonitor, RequestDeadline, failure_of, new_session
from imports.http.tunnel import BadProxy
from imports.ledger.lifecycle import needs_somebody
from imports.messages import MessageError, render, sentence
from imports.messages import marked as _
from imports.models import JobEvent, NotificationDelivery
from imports.models.notifications import ChannelKind, What
from imports.rendering import in_words
from imports.states import DeliveryStatus, EventCode

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from imports.messages import Message as Sentence
    from imports.messages import Text
    from imports.models import Channel, Notification


NO_SERVER = sentence(
    "NO_MAIL_SERVER", _("No mail server is configured. An administrator must set EMAIL_URL.")
)
SERVER_REFUSED = sentence(
    "MAIL_REFUSED", _("The mail server refused it (code {status}). See EMAIL_URL and EMAIL_FROM.")
)
SERVER_DID_NOT = sentence("MAIL_NOT_TAKEN", _("The mail server did not accept it ({error})."))
SERVER_NOT_REACHED = sentence(
    "MAIL_SERVER_NOT_REACHED", _("The mail server could not be reached: {error}.")
)
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


class NotDelivered(MessageError):
    """It did not get there. The message is for the operator, without a secret."""

    def __init__(self, message: Text, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final  # another try would come to the same


@dataclass(frozen=True, slots=True)
class Message:
    """One notification to one channel. `key` identifies a repeated delivery."""

    key: str
    subject: str
    text: str
    payload: dict[str, Any]


def message_of(delivery: NotificationDelivery) -> Message:
    """In the installation's language: nobody in particular reads it."""
    notification, job = delivery.notification, delivery.notification.job
    name = " ".join(job.name.split())
    with translation.override(settings.LANGUAGE_CODE):
        shown = {
            "notification": notification,
            "job": job,
            "name": name,
            "job_totals": notification.job_totals,
            "at": timezone.localtime(notification.at),
            "link": link_of(notification),
            "channel": delivery.channel,
            "needs_somebody": needs_somebody(notification),
            "said": in_words(notification.message),
        }
        text = render_to_string("imports/notifications/mail.txt", shown)
        subject = f"[Redrive] {headline(notification)}: {name}"
    key = f"redrive-{delivery.pk}-{int(notification.at.timestamp())}"
    return Message(key, subject, text, _payload(notification, name))


def message_of_a_test(channel: Channel, key: str) -> Message:
    """For "Send a test": it looks like the others, and is about no job."""
    with translation.override(settings.LANGUAGE_CODE):
        text = render_to_string("imports/notifications/test.txt", {"channel": channel})
        subject = f"[Redrive] {gettext('Test')}: {channel.name}"
    payload = {"type": "test", "timestamp": timezone.now().isoformat(), "data": {}}
    return Message(key, subject, text, payload)


def headline(notification: Notification) -> str:
    """ "Finished with failures"."""
    if notification.what == What.FINISHED and needs_somebody(notification):
        return gettext("Finished, needs attention")
    if notification.what == What.FINISHED:
        return gettext("Finished without failures")
    return notification.get_what_display()


def link_of(notification: Notification) -> str:
    """Where to look: the failures if there are any, else the job's page."""
    if notification.path:
        return f"{settings.SITE_URL}{notification.path}"
    tab = "failures" if notification.job_totals["error"] else "progress"
    if notification.what == What.NOT_WRITTEN:
        tab = "retry-files"
    named = {"pk": notification.job_id, "tab": tab}
    if notification.what == What.REFUSED:
        path = reverse("admin:imports_importjob_change", args=[notification.job_id])
    else:
        path = reverse("admin:imports_importjob_tab", kwargs=named)
    return f"{settings.SITE_URL}{path}"


def _payload(notification: Notification, name: str) -> dict[str, Any]:
    numbers = ("total", "success", "error", "unknown", "excluded", "pending")
    return {
        "type": f"job.{notification.what}",
        "timestamp": notification.at.isoformat(),
        "data": {
            "job": notification.job_id,
            "kind": notification.job.kind,
            "name": name,
            "cause": notification.cause or None,
            **({"message": render(notification.message)} if notification.message else {}),
            "needs_somebody": needs_somebody(notification),
            **{each: notification.job_totals[each] for each in numbers},
            "url": link_of(notification),
        },
    }


def can_send_email() -> bool:
    """Whether a mail server is set."""
    return bool(settings.EMAIL_BACKEND != "django.core.mail.backends.dummy.EmailBackend")


def send_email(channel: Channel, message: Message) -> None:
    """One mail to all recipients. Raises NotDelivered."""
    if not can_send_email():
        raise NotDelivered(NO_SERVER)
    mail = EmailMessage(
        message.subject,
        message.text,
        to=channel.addresses,
        headers={"Message-ID": f"<{message.key}@{_host()}>", "Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except (SMTPException, OSError) as error:
        raise NotDelivered(why_not_mailed(error)) from error


def why_not_mailed(error: SMTPException | OSError) -> Sentence:
    """What went wrong, without the server's words, which may quote what was sent."""
    if isinstance(error, SMTPResponseException):
        return SERVER_REFUSED.format(status=error.smtp_code)
    if isinstance(error, SMTPException):
        return SERVER_DID_NOT.format(error=type(error).__name__)
    return SERVER_NOT_REACHED.format(error=error.strerror or type(error).__name__)


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"


LONGEST_SECONDS = 10.0  # for all of it, whatever drips
LONGEST_ANSWER_BYTES = 64 * 1024  # that is read
PREFIX = "whsec_"  # of a secret that is written in base64
ANSWERED = sentence(
    "RECEIVER_ANSWERED", _("The receiver answered HTTP {status}. It must answer 200.")
)
BAD_SECRET = sentence("BAD_SECRET", _("Its signing secret is not valid. Enter it again."))
GONE = 410  # the program wants no more of them


def post(channel: Channel, message: Message) -> None:
    """Send it once. Raises NotDelivered; of what the program answers only its status counts."""
    body = json.dumps(message.payload, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "User-Agent": "Redrive",
        "Content-Type": "application/json",
        **signed(key_of(channel.secret), message.key, body, int(time.time())),
    }
    status = _post(channel.url, headers, body)
    if not 200 <= status < 300:
        raise NotDelivered(ANSWERED.format(status=status), is_final=status == GONE)


def key_of(secret: str) -> bytes:
    """The bytes to sign with: what follows "whsec_", decoded, or the text itself.

    Raises NotDelivered for base64 that is none.
    """
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise NotDelivered(BAD_SECRET) from None


def signed(key: bytes, message_id: str, body: bytes, at: int) -> dict[str, str]:
    """The headers that prove who sent it and when (`at`, in seconds since 1970)."""
    content = f"{message_id}.{at}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
    }


def _post(url: str, headers: dict[str, str], body: bytes) -> int:
    """The status of the answer. Raises NotDelivered where there is none in time."""
    try:
        rules, certificates = egress.rules(), egress.certificates()
    except (BadProxy, BadCertificates) as error:
        raise NotDelivered(error.message) from None
    deadline = RequestDeadline(rules, LONGEST_SECONDS, time.monotonic() + LONGEST_SECONDS)
    monitor, session = DeadlineMonitor(), new_session(1, certificates)
    try:
        check_url(url, rules.allow_private)
        with monitor.flying(deadline):
            return session.exchange("POST", url, headers, body, LONGEST_ANSWER_BYTES).status
    except BrokeOff as error:
        return error.status
    except BadAddress as error:
        raise NotDelivered(error.message) from None
    except (HTTPError, HTTPException, OSError) as error:
        raise NotDelivered(failure_of(error, deadline, url, None).sentence) from None
    finally:
        session.close()
        monitor.close()


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
        way = send_email if channel.kind == ChannelKind.EMAIL else post
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
            message = CHANNEL.format(channel=str(delivery.channel))
            if error:
                message = CHANNEL_SAYS.format(channel=str(delivery.channel), error=error)
            JobEvent.objects.create(job=delivery.notification.job, code=code, message=message)


def _mine(delivery: NotificationDelivery) -> QuerySet[NotificationDelivery]:
    """The row, unless a later claim has taken it over."""
    waiting = NotificationDelivery.objects.filter(status=DeliveryStatus.WAITING)
    return waiting.filter(pk=delivery.pk, tries=delivery.tries)


def send_again(deliveries: QuerySet[NotificationDelivery]) -> int:
    """Retry failed deliveries from the start; their number."""
    return deliveries.filter(status=DeliveryStatus.FAILED).update(
        status=DeliveryStatus.WAITING, tries=0, next_attempt_at=Now(), ended_at=None
    )


def enqueue() -> None:
    """Enqueue the delivery of due notifications before other work, unless it is enqueued.

    Raises RedisError if Redis is down.
    """
    enqueue_once(deliver, "notifications", LEASE_SECONDS * MOST_AT_ONCE, at_front=True)


def deliver() -> None:
    """Handle the queue message: deliver what is due."""
    deliver_due()
