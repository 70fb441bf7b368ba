"""A signed POST that says what was fetched and where the file can be had, for some days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from bills.deliveries import lists
from bills.deliveries.destinations.base import NotDelivered, OutgoingFile
from bills.deliveries.lists import entry
from imports.http import egress
from imports.http.addresses import BadAddress, check_url
from imports.models import Channel
from imports.models.notifications import ChannelKind
from imports.notifications import channels
from imports.notifications import message as notification

if TYPE_CHECKING:
    from bills.models import Destination


class Webhook:
    """Posts to one program. It tells a repeated delivery by its `webhook-id`."""

    def __init__(self, destination: Destination) -> None:
        self._channel = Channel(
            kind=ChannelKind.WEBHOOK, url=destination.location.strip(), secret=destination.secret
        )

    def put(self, file: OutgoingFile) -> None:
        if file.bill is None:
            return  # a list is for people; the program got a message for each bill
        payload = {
            "type": "bill.delivered",
            "timestamp": timezone.now().isoformat(),
            "data": {
                "id": file.bill.pk,
                "file": file.name,
                "size": file.size,
                "sha256": file.sha256,
                "url": lists.address(file.bill),
                **entry(file.bill),
            },
        }
        try:
            channels.post(self._channel, notification.Message(file.key, "", "", payload))
        except notification.NotDelivered as failure:
            raise NotDelivered(failure.message, is_final=failure.is_final) from None

    def check(self) -> None:
        """Its address only: a program is not called for a bill that is none."""
        try:
            check_url(self._channel.url, egress.rules().allow_private)
        except BadAddress as error:
            raise NotDelivered(error.message) from None

    def close(self) -> None:
        """Each post has a connection of its own."""
