"""What a destination must offer, and why it may refuse."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from imports.messages import marked as _
from imports.messages import sentence
from imports.remote import PIECE_BYTES, RemoteFailure

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from bills.models import Bill

NAME_TAKEN = sentence(
    "DESTINATION_NAME_TAKEN",
    _("Another file lies there under the name “{name}”. Move it away, then try again."),
)
LOOKS_DIFFERENT = sentence(
    "DELIVERED_FILE_DIFFERS", _("What arrived is not what was sent. It is tried again.")
)
NO_FOLDER = sentence(
    "DESTINATION_NO_FOLDER",
    _("The folder {folder} is not there. Mount it or create it on every worker’s host."),
)
NOT_WRITTEN = sentence(
    "DESTINATION_NOT_WRITTEN", _("The file could not be written: {error}. Check space and rights.")
)
TOO_LARGE = sentence(
    "BILL_TOO_LARGE_FOR_MAIL",
    _("The file has {megabytes} MB; mails are sent up to {most} MB. Choose another destination."),
)
NO_KEY_OPENS = sentence(
    "NO_KEY_OPENS_DESTINATION",
    _("No key in CREDENTIAL_KEYS opens the destination’s password. Enter it again."),
)


class NotDelivered(RemoteFailure):
    """It did not get there. The message is for the operator and holds no secret."""


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """One file on its way: its name below the destination, its bytes, and the bill it is."""

    name: str
    size: int
    sha256: str
    open: Callable[[], BinaryIO]
    bill: Bill | None = None  # None: a list of bills
    key: str = ""  # the same at each attempt
    content_type: str = "application/pdf"

    @property
    def may_replace(self) -> bool:
        """A list is written anew whenever bills are added; a bill never replaces anything."""
        return self.bill is None


class DestinationClient(Protocol):
    """One destination while it is open. Raises RemoteFailure."""

    def put(self, file: OutgoingFile) -> None:
        """Return only when the file is there whole; the same file there already is success."""
        ...

    def check(self) -> None:
        """Whether it can be written to, as far as that can be found out without leaving a file."""
        ...

    def close(self) -> None: ...


def sha256_of(source: BinaryIO) -> str:
    """The SHA-256 of all that is read from here, in hexadecimal."""
    digest = hashlib.sha256()
    while piece := source.read(PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()
