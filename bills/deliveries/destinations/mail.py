"""A mail for each bill, with the PDF. Nobody can look whether it arrived: see `sending`."""

from __future__ import annotations

from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.utils import translation

from bills.deliveries.destinations.base import (
    TOO_LARGE,
    NotDelivered,
    OutgoingFile,
)
from imports.notifications.channels import NO_SERVER, can_send_email, why_not_mailed

if TYPE_CHECKING:
    from bills.models import Destination

LARGEST_MB = 15  # most servers take 25 MB, of which the encoding takes a third


class Mail:
    """One mail to all recipients of the destination."""

    def __init__(self, destination: Destination) -> None:
        if not can_send_email():
            raise NotDelivered(NO_SERVER)
        self.recipients = destination.location.split()
        self._connection = get_connection()

    def put(self, file: OutgoingFile) -> None:
        megabytes = file.size / (1 << 20)
        if megabytes > LARGEST_MB:
            shown = TOO_LARGE.format(megabytes=round(megabytes), most=LARGEST_MB)
            raise NotDelivered(shown, is_final=True)
        name = file.name.rpartition("/")[2]
        with translation.override(settings.LANGUAGE_CODE):
            text = render_to_string("bills/deliveries/mail.txt", {"bill": file.bill, "name": name})
        host = urlsplit(settings.SITE_URL).hostname or "localhost"
        mail = EmailMessage(
            f"[Redrive] {name}",
            text,
            to=self.recipients,
            connection=self._connection,
            headers={"Message-ID": f"<{file.key}@{host}>", "Auto-Submitted": "auto-generated"},
        )
        with file.open() as source:
            mail.attach(name, source.read(), file.content_type)
        self._open()
        try:
            mail.send()
        except SMTPResponseException as error:
            refused = 500 <= error.smtp_code < 600
            raise NotDelivered(why_not_mailed(error), is_final=refused) from None
        except SMTPRecipientsRefused as error:
            raise NotDelivered(why_not_mailed(error), is_final=True) from None
        except (SMTPException, OSError) as error:  # cut off: the server may have taken it
            raise NotDelivered(why_not_mailed(error), may_have_arrived=True) from None

    def check(self) -> None:
        self._open()

    def _open(self) -> None:
        """While this fails, nothing was sent."""
        try:
            self._connection.open()
        except (SMTPException, OSError) as error:
            raise NotDelivered(why_not_mailed(error)) from None

    def close(self) -> None:
        self._connection.close()
