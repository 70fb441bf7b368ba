"""The kinds of places that are watched: each lists its files, gives one out, and moves it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imports.models.watched import PlaceKind

if TYPE_CHECKING:
    from imports.customers.watching.places.base import Place
    from imports.models import WatchedFolder


def open_place(folder: WatchedFolder) -> Place:
    """The folder's place, connected where its kind connects.

    Raises RemoteFailure, and WrongKey where no key opens its secret.
    """
    match PlaceKind(folder.kind):
        case PlaceKind.FOLDER:
            from imports.customers.watching.places.directory import Directory

            return Directory(folder)
        case PlaceKind.S3:
            from imports.customers.watching.places.s3 import Bucket  # boto3: only where it is used

            return Bucket(folder)
        case PlaceKind.SFTP:
            from imports.customers.watching.places.sftp import Server  # paramiko: likewise

            return Server(folder)
