"""An SFTP server whose host key is known: a file is written aside, read back, then renamed."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import itertools
import posixpath
import socket
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import paramiko

from bills.deliveries.destinations.base import (
    BAD_HOST_KEY,
    BAD_KEY,
    BAD_SFTP_LOCATION,
    LONGEST_SECONDS,
    LOOKS_DIFFERENT,
    NAME_TAKEN,
    NOT_REACHED,
    OTHER_HOST_KEY,
    PIECE_BYTES,
    REFUSED,
    NotDelivered,
    OutgoingFile,
    sha256_of,
)
from imports.http import egress
from imports.http.addresses import BadAddress, reachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bills.models import Destination

PORT = 22
CONNECT_SECONDS = 10.0
UNFINISHED = ".redrive-part"


class Sftp:
    """Writes below one folder of one server."""

    def __init__(self, destination: Destination) -> None:
        host, port, self.root = server_of(destination.location)
        expected = host_key_of(destination.host_key)
        self._transport = paramiko.Transport(_connected(host, port))
        with self._closing_on_failure(), explained():
            self._transport.banner_timeout = self._transport.auth_timeout = LONGEST_SECONDS
            self._transport.get_security_options().key_types = _types_for(expected)
            self._transport.start_client(timeout=LONGEST_SECONDS)
            if self._transport.get_remote_server_key() != expected:
                raise NotDelivered(OTHER_HOST_KEY, is_final=True)
            _log_in(self._transport, destination)
            channel = paramiko.SFTPClient.from_transport(self._transport)
            if channel is None:
                raise NotDelivered(REFUSED.format(error="SFTP"))
            self._sftp = channel
            self._sftp.get_channel().settimeout(LONGEST_SECONDS)

    @contextlib.contextmanager
    def _closing_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._transport.close()
            raise

    def put(self, file: OutgoingFile) -> None:
        target = posixpath.join(self.root, file.name)
        with explained():
            if not file.may_replace and self._is_there(target, file):
                return
            self._make_folders(posixpath.dirname(target))
            unfinished = target + UNFINISHED  # of our own earlier attempt, too: written over
            with file.open() as source:
                self._sftp.putfo(source, unfinished, file.size, confirm=True)
            if self._sha256(unfinished) != file.sha256:
                raise NotDelivered(LOOKS_DIFFERENT)
            if file.may_replace:
                self._sftp.posix_rename(unfinished, target)
            else:
                self._rename_once(unfinished, target, file)

    def _rename_once(self, unfinished: str, target: str, file: OutgoingFile) -> None:
        """The protocol's own rename fails where the name is taken."""
        try:
            self._sftp.rename(unfinished, target)
        except OSError:
            if not self._is_there(target, file):
                raise
            self._sftp.remove(unfinished)

    def _is_there(self, target: str, file: OutgoingFile) -> bool:
        try:
            found = self._sftp.stat(target)
        except FileNotFoundError:
            return False
        if found.st_size != file.size or self._sha256(target) != file.sha256:
            raise NotDelivered(NAME_TAKEN.format(name=file.name), is_final=True)
        return True

    def _sha256(self, path: str) -> str:
        with self._sftp.open(path, "rb", PIECE_BYTES) as there:
            there.prefetch()
            return sha256_of(there)

    def _make_folders(self, folder: str) -> None:
        made = self.root
        for part in posixpath.relpath(folder, self.root).split("/"):
            made = posixpath.join(made, part)
            try:
                self._sftp.stat(made)
            except FileNotFoundError:
                with contextlib.suppress(OSError):  # another worker made it; else `put` says so
                    self._sftp.mkdir(made)

    def check(self) -> None:
        with explained():
            self._sftp.listdir_attr(self.root)

    def close(self) -> None:
        self._transport.close()


def server_of(location: str) -> tuple[str, int, str]:
    """Host, port and folder of "sftp://host:22/folder". Raises NotDelivered."""
    try:
        parts = urlsplit(location.strip())
        port = parts.port or PORT
    except ValueError:
        raise NotDelivered(BAD_SFTP_LOCATION) from None
    if parts.scheme != "sftp" or not parts.hostname or parts.username or parts.password:
        raise NotDelivered(BAD_SFTP_LOCATION)
    return parts.hostname, port, unquote(parts.path) or "/"


def host_key_of(text: str) -> paramiko.PKey:
    """The key of a line as known_hosts has it, with or without the host. Raises NotDelivered."""
    words = [word for word in text.split() if not word.startswith("#")]
    kinds = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-")
    for kind, body in itertools.pairwise(words):
        if kind.startswith(kinds):
            try:
                return paramiko.PKey.from_type_string(kind, base64.b64decode(body, validate=True))
            except (binascii.Error, paramiko.SSHException, ValueError):
                break
    raise NotDelivered(BAD_HOST_KEY, is_final=True)


def _types_for(key: paramiko.PKey) -> tuple[str, ...]:
    """The algorithms that the server may prove this kind of key with."""
    if key.get_name() == "ssh-rsa":
        return ("rsa-sha2-512", "rsa-sha2-256")
    return (key.get_name(),)


def _connected(host: str, port: int) -> socket.socket:
    """A connection to one of the host's addresses, each of which is allowed."""
    try:
        found = reachable(host, port, "https", egress.rules(), CONNECT_SECONDS)
        return socket.create_connection(found[0][1][:2], timeout=CONNECT_SECONDS)
    except BadAddress as error:
        raise NotDelivered(error.message) from None
    except OSError as error:
        raise NotDelivered(NOT_REACHED.format(error=_why(error))) from None


def _log_in(transport: paramiko.Transport, destination: Destination) -> None:
    user, secret = destination.user_name, destination.secret
    if "PRIVATE KEY" in secret:
        transport.auth_publickey(user, private_key_of(secret))
    else:
        transport.auth_password(user, secret)


def private_key_of(text: str) -> paramiko.PKey:
    """The private key in PEM or OpenSSH's form. Raises NotDelivered."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with contextlib.suppress(paramiko.SSHException, ValueError, IndexError):
            return kind.from_private_key(io.StringIO(text))
    raise NotDelivered(BAD_KEY, is_final=True)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """What went wrong, without the server's words, which may quote what was sent."""
    try:
        yield
    except paramiko.AuthenticationException:
        raise NotDelivered(REFUSED.format(error="login")) from None
    except (paramiko.SSHException, EOFError, TimeoutError) as error:
        raise NotDelivered(NOT_REACHED.format(error=type(error).__name__)) from None
    except OSError as error:
        raise NotDelivered(REFUSED.format(error=_why(error))) from None


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__ if error.errno else type(error).__name__
