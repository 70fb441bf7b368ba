"""The ways a message goes: as an e-mail to mailboxes, or as a signed POST to a program.

E-mails go through the mail server of EMAIL_URL. A POST is signed as
https://www.standardwebhooks.com describes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from http.client import HTTPException
from smtplib import SMTPException, SMTPResponseException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from urllib3.exceptions import HTTPError

from imports.http import egress
from imports.http.addresses import BadAddress, check_url
from imports.http.certificates import BadCertificates
from imports.http.exchange import BrokeOff
from imports.http.transport import DeadlineMonitor, RequestDeadline, failure_of, new_session
from imports.http.tunnel import BadProxy
from imports.messages import marked as _
from imports.messages import sentence
from imports.notifications.message import NotDelivered

if TYPE_CHECKING:
    from imports.messages import Message as Sentence
    from imports.models import Channel
    from imports.notifications.message import Message


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
NOWHERE = "django.core.mail.backends.dummy.EmailBackend"


def can_send_email() -> bool:
    """Whether a mail server is set."""
    return bool(settings.EMAIL_BACKEND != NOWHERE)


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
