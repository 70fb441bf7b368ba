"""A message to mailboxes, through the mail server of EMAIL_URL."""

from __future__ import annotations

from smtplib import SMTPException, SMTPResponseException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

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


def is_possible() -> bool:
    """Whether a mail server is set."""
    return bool(settings.EMAIL_BACKEND != NOWHERE)


def send(channel: Channel, message: Message) -> None:
    """One mail to all recipients. Raises NotDelivered."""
    if not is_possible():
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
        raise NotDelivered(reason_of(error)) from error


def reason_of(error: SMTPException | OSError) -> Sentence:
    """What went wrong, without the server's words, which may quote what was sent."""
    if isinstance(error, SMTPResponseException):
        return SERVER_REFUSED.format(status=error.smtp_code)
    if isinstance(error, SMTPException):
        return SERVER_DID_NOT.format(error=type(error).__name__)
    return SERVER_NOT_REACHED.format(error=error.strerror or type(error).__name__)


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"
