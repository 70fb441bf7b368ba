"""What a destination must offer, and why it may refuse."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from imports.messages import MessageError, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from bills.models import Bill
    from imports.messages import Text

LONGEST_SECONDS = 60.0  # of one exchange with a destination
PIECE_BYTES = 1 << 16

NAME_TAKEN = sentence(
    "DESTINATION_NAME_TAKEN",
    _("Another file lies there under the name “{name}”. Move it away, then try again."),
)
NOT_REACHED = sentence("DESTINATION_NOT_REACHED", _("The destination was not reached: {error}."))
REFUSED = sentence(
    "DESTINATION_REFUSED",
    _("The destination refused it ({error}). Check its address, user and rights."),
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
BAD_S3_LOCATION = sentence(
    "S3_LOCATION", _("Write the bucket and an optional folder like this: s3://bucket/folder")
)
BAD_SFTP_LOCATION = sentence(
    "SFTP_LOCATION", _("Write the server and the folder like this: sftp://host:22/folder")
)
BAD_HOST_KEY = sentence(
    "SFTP_BAD_HOST_KEY",
    _("The host key is not valid. Paste a line of “ssh-keyscan HOST”: ssh-ed25519 AAAA…"),
)
OTHER_HOST_KEY = sentence(
    "SFTP_OTHER_HOST_KEY",
    _("The server shows another host key than the one stored. Ask who runs it, then enter it."),
)
BAD_KEY = sentence("SFTP_BAD_PRIVATE_KEY", _("The private key cannot be read. Enter it again."))
TOO_LARGE = sentence(
    "BILL_TOO_LARGE_FOR_MAIL",
    _("The file has {megabytes} MB; mails are sent up to {most} MB. Choose another destination."),
)
NO_KEY_OPENS = sentence(
    "NO_KEY_OPENS_DESTINATION",
    _("No key in CREDENTIAL_KEYS opens the destination’s password. Enter it again."),
)


class NotDelivered(MessageError):
    """It did not get there. The message is for the operator and holds no secret."""

    def __init__(
        self, message: Text, *, is_final: bool = False, may_have_arrived: bool = False
    ) -> None:
        super().__init__(message)
        self.is_final = is_final  # another attempt would come to the same
        self.may_have_arrived = may_have_arrived  # and nobody can look: a person decides


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
    """One destination while it is open. Raises NotDelivered."""

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
