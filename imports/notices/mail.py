"""A message to mailboxes, through the mail server of EMAIL_URL."""

from __future__ import annotations

from smtplib import SMTPException, SMTPResponseException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from imports.notices.message import NotDelivered

if TYPE_CHECKING:
    from imports.models import Channel
    from imports.notices.message import Message

NOWHERE = "django.core.mail.backends.dummy.EmailBackend"


def is_possible() -> bool:
    """Whether a mail server is set."""
    return bool(settings.EMAIL_BACKEND != NOWHERE)


def send(channel: Channel, message: Message) -> None:
    """One mail to all recipients. Raises NotDelivered."""
    if not is_possible():
        raise NotDelivered(_("No mail server is set. An administrator sets EMAIL_URL."))
    mail = EmailMessage(
        message.subject,
        message.text,
        to=channel.addresses,
        headers={"Message-ID": f"<{message.key}@{_host()}>", "Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except (SMTPException, OSError) as error:
        raise NotDelivered(_sentence(error)) from error


def _sentence(error: SMTPException | OSError) -> str:
    """What went wrong; not in the server's words, which may quote what was sent."""
    if isinstance(error, SMTPResponseException):
        told = _("The mail server refused it (code %(code)s). See EMAIL_URL and EMAIL_FROM.")
        return told % {"code": error.smtp_code}
    if isinstance(error, SMTPException):
        return _("The mail server did not take it (%(error)s).") % {"error": type(error).__name__}
    why = error.strerror or type(error).__name__
    return _("The mail server was not reached: %(why)s.") % {"why": why}


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"
