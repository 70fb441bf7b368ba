"""What a destination must offer, and those that need no client: a folder, and mail.

A folder lies on the worker's host, often a share: files appear there whole, under their names. A
mail goes out for each bill, with the PDF. Nobody can look whether it arrived: see `sending`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.utils import translation

from imports import retry_directory
from imports.messages import marked as _
from imports.messages import sentence
from imports.notifications import NO_SERVER, can_send_email, why_not_mailed
from imports.remote import PIECE_BYTES, RemoteFailure

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from bills.models import Bill, Destination


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
PREFIX = ".redrive-"  # of a file that is not whole yet
LARGEST_MB = 15  # most servers take 25 MB, of which the encoding takes a third


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


class Folder:
    """Writes below one existing folder, and never outside it."""

    def __init__(self, destination: Destination) -> None:
        self.root = Path(destination.location.strip())
        if not self.root.is_dir():
            raise NotDelivered(NO_FOLDER.format(folder=str(self.root)))

    def put(self, file: OutgoingFile) -> None:
        """Write beside its place, flush to disk, then link into place: never half, never over."""
        target = self.root / file.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(self.root.resolve()):
                raise NotDelivered(NAME_TAKEN.format(name=file.name), is_final=True)
            self._clean(target)
            self._write(file, target)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else type(error).__name__
            raise NotDelivered(NOT_WRITTEN.format(error=why)) from None

    def _write(self, file: OutgoingFile, target: Path) -> None:
        unfinished = target.with_name(f"{_prefix_of(target)}{secrets.token_hex(4)}")
        try:
            with file.open() as source, unfinished.open("xb") as copy:
                while piece := source.read(PIECE_BYTES):
                    copy.write(piece)
                copy.flush()
                os.fsync(copy.fileno())
            if file.may_replace:
                unfinished.replace(target)
            else:
                _link(unfinished, target, file)
            retry_directory.sync_directory(target.parent)
        finally:
            unfinished.unlink(missing_ok=True)

    @staticmethod
    def _clean(target: Path) -> None:
        """Remove what an attempt that was killed has left."""
        for left in target.parent.glob(f"{_prefix_of(target)}*"):
            with contextlib.suppress(OSError):
                left.unlink()

    def check(self) -> None:
        name = self.root / f"{PREFIX}{secrets.token_hex(4)}"
        try:
            name.touch(exist_ok=False)
            name.unlink()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else type(error).__name__
            raise NotDelivered(NOT_WRITTEN.format(error=why)) from None

    def close(self) -> None:
        """Nothing is held open."""


def _prefix_of(target: Path) -> str:
    return f"{PREFIX}{hashlib.sha256(target.name.encode()).hexdigest()[:12]}-"


def _link(unfinished: Path, target: Path, file: OutgoingFile) -> None:
    """Give it its name, unless that is taken: by the same file, which is success, or another."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        _compare(target, file)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        if target.exists():  # a share without links: there is no better way to look first
            _compare(target, file)
        else:
            unfinished.rename(target)


def _compare(target: Path, file: OutgoingFile) -> None:
    with target.open("rb") as there:
        if sha256_of(there) != file.sha256:
            raise NotDelivered(NAME_TAKEN.format(name=file.name), is_final=True)


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
