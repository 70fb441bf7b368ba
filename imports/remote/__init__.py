"""Other people's stores and servers, and why one was not reached, for the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imports.messages import MessageError, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from imports.messages import Text


LONGEST_SECONDS = 60.0  # of one exchange
PIECE_BYTES = 1 << 16

NOT_REACHED = sentence("DESTINATION_NOT_REACHED", _("The server was not reached: {error}."))
REFUSED = sentence(
    "DESTINATION_REFUSED",
    _("The server refused it ({error}). Check its address, user and rights."),
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


class RemoteFailure(MessageError):
    """It did not go well. The message is for the operator and holds no secret."""

    def __init__(
        self, message: Text, *, is_final: bool = False, may_have_arrived: bool = False
    ) -> None:
        super().__init__(message)
        self.is_final = is_final  # another attempt would come to the same
        self.may_have_arrived = may_have_arrived  # and nobody can look: a person decides
