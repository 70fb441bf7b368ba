"""An SFTP server whose host key is known."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import itertools
import socket
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import paramiko

from imports.http import egress
from imports.http.addresses import BadAddress, reachable
from imports.remote import (
    BAD_HOST_KEY,
    BAD_KEY,
    BAD_SFTP_LOCATION,
    LONGEST_SECONDS,
    NOT_REACHED,
    OTHER_HOST_KEY,
    REFUSED,
    RemoteFailure,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT = 22
CONNECT_SECONDS = 10.0


class SftpConnection:
    """A login to the server of a location; `root` is its folder there. Raises RemoteFailure."""

    def __init__(self, location: str, host_key: str, user: str, secret: str) -> None:
        host, port, self.root = server_of(location)
        expected = host_key_of(host_key)
        self._transport = paramiko.Transport(_connected(host, port))
        with self._closing_on_failure(), explained():
            self._transport.banner_timeout = self._transport.auth_timeout = LONGEST_SECONDS
            self._transport.get_security_options().key_types = _types_for(expected)
            self._transport.start_client(timeout=LONGEST_SECONDS)
            if self._transport.get_remote_server_key() != expected:
                raise RemoteFailure(OTHER_HOST_KEY, is_final=True)
            _log_in(self._transport, user, secret)
            channel = paramiko.SFTPClient.from_transport(self._transport)
            if channel is None:
                raise RemoteFailure(REFUSED.format(error="SFTP"))
            self.sftp = channel
            self.sftp.get_channel().settimeout(LONGEST_SECONDS)

    @contextlib.contextmanager
    def _closing_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._transport.close()
            raise

    def close(self) -> None:
        self._transport.close()


def server_of(location: str) -> tuple[str, int, str]:
    """Host, port and folder of "sftp://host:22/folder". Raises RemoteFailure."""
    try:
        parts = urlsplit(location.strip())
        port = parts.port or PORT
    except ValueError:
        raise RemoteFailure(BAD_SFTP_LOCATION) from None
    if parts.scheme != "sftp" or not parts.hostname or parts.username or parts.password:
        raise RemoteFailure(BAD_SFTP_LOCATION)
    return parts.hostname, port, unquote(parts.path) or "/"


def host_key_of(text: str) -> paramiko.PKey:
    """The key of a line as known_hosts has it, with or without the host. Raises RemoteFailure."""
    words = [word for word in text.split() if not word.startswith("#")]
    kinds = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-")
    for kind, body in itertools.pairwise(words):
        if kind.startswith(kinds):
            try:
                return paramiko.PKey.from_type_string(kind, base64.b64decode(body, validate=True))
            except (binascii.Error, paramiko.SSHException, ValueError):
                break
    raise RemoteFailure(BAD_HOST_KEY, is_final=True)


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
        raise RemoteFailure(error.message) from None
    except OSError as error:
        raise RemoteFailure(NOT_REACHED.format(error=_why(error))) from None


def _log_in(transport: paramiko.Transport, user: str, secret: str) -> None:
    if "PRIVATE KEY" in secret:
        transport.auth_publickey(user, private_key_of(secret))
    else:
        transport.auth_password(user, secret)


def private_key_of(text: str) -> paramiko.PKey:
    """The private key in PEM or OpenSSH's form. Raises RemoteFailure."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with contextlib.suppress(paramiko.SSHException, ValueError, IndexError):
            return kind.from_private_key(io.StringIO(text))
    raise RemoteFailure(BAD_KEY, is_final=True)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """What went wrong, without the server's words, which may quote what was sent."""
    try:
        yield
    except paramiko.AuthenticationException:
        raise RemoteFailure(REFUSED.format(error="login")) from None
    except (paramiko.SSHException, EOFError, TimeoutError) as error:
        raise RemoteFailure(NOT_REACHED.format(error=type(error).__name__)) from None
    except OSError as error:
        raise RemoteFailure(REFUSED.format(error=_why(error))) from None


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__ if error.errno else type(error).__name__
