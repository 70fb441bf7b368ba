"""The kinds of destinations: each takes one file, or says what lies there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bills.models.deliveries import DestinationKind

if TYPE_CHECKING:
    from bills.deliveries.destinations.base import DestinationClient
    from bills.models import Destination


def open_destination(destination: Destination) -> DestinationClient:
    """A client for the destination, connected where its kind connects.

    Raises RemoteFailure, and WrongKey where no key opens its secret.
    """
    match DestinationKind(destination.kind):
        case DestinationKind.FOLDER:
            from bills.deliveries.destinations.folder import Folder

            return Folder(destination)
        case DestinationKind.S3:
            from bills.deliveries.destinations.s3 import S3  # boto3: only where it is used

            return S3(destination)
        case DestinationKind.SFTP:
            from bills.deliveries.destinations.sftp import Sftp  # paramiko: likewise

            return Sftp(destination)
        case DestinationKind.EMAIL:
            from bills.deliveries.destinations.mail import Mail

            return Mail(destination)
        case DestinationKind.WEBHOOK:
            from bills.deliveries.destinations.webhook import Webhook

            return Webhook(destination)
