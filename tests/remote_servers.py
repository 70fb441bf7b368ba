"""What lies in an S3 bucket, and an SFTP server (paramiko) on a socket of this machine."""

from __future__ import annotations

import contextlib
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import paramiko

from tests.listener import Listener
from tests.storage_server import client_of

if TYPE_CHECKING:
    import socket
    from pathlib import Path

USER, PASSWORD = "redrive", "only-for-tests"


def objects(url: str, bucket: str) -> dict[str, bytes]:
    """What lies in the bucket, by name."""
    client = client_of(url)
    found = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        each["Key"]: client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        for each in found
    }


@cache
def key() -> paramiko.RSAKey:
    """The key of all servers of this process: making one takes its time."""
    return paramiko.RSAKey.generate(2048)


class SftpServer:
    """Serves one folder to one user. `host_key` is the line that a client should know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logins = 0
        self._key = key()
        self.host_key = f"{self._key.get_name()} {self._key.get_base64()}"
        self._transports: list[paramiko.Transport] = []
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def _serve(self, connection: socket.socket) -> None:
        transport = paramiko.Transport(connection)
        self._transports.append(transport)
        transport.add_server_key(self._key)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self.folder)
        with contextlib.suppress(paramiko.SSHException, EOFError):
            transport.start_server(server=_Door(self))

    def stop(self) -> None:
        """Close the port and all connections."""
        self._listener.close()
        for transport in self._transports:
            transport.close()


class _Door(paramiko.ServerInterface):
    def __init__(self, server: SftpServer) -> None:
        self.server = server

    def check_auth_password(self, username: str, password: str) -> int:
        if (username, password) == (USER, PASSWORD):
            self.server.logins += 1
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Handle(paramiko.SFTPHandle):
    def __init__(self, flags: int, file: Any) -> None:
        super().__init__(flags)
        self.readfile = self.writefile = file

    def stat(self) -> Any:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: Any, folder: Path, *args: Any, **kwargs: Any) -> None:
        super().__init__(server, *args, **kwargs)
        self.folder = folder

    def _real(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def stat(self, path: str) -> Any:
        return _result(lambda: paramiko.SFTPAttributes.from_stat(self._real(path).stat()))

    lstat = stat

    def list_folder(self, path: str) -> Any:
        def listed() -> list[paramiko.SFTPAttributes]:
            return [
                paramiko.SFTPAttributes.from_stat(each.stat(), each.name)
                for each in self._real(path).iterdir()
            ]

        return _result(listed)

    def mkdir(self, path: str, attr: Any) -> int:
        return int(_result(lambda: self._real(path).mkdir()) or paramiko.SFTP_OK)

    def remove(self, path: str) -> int:
        return int(_result(lambda: self._real(path).unlink()) or paramiko.SFTP_OK)

    def rename(self, oldpath: str, newpath: str) -> int:
        if self._real(newpath).exists():
            return paramiko.SFTP_FAILURE
        return self.posix_rename(oldpath, newpath)

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        _result(lambda: self._real(oldpath).replace(self._real(newpath)))
        return paramiko.SFTP_OK

    def open(self, path: str, flags: int, attr: Any) -> Any:
        def opened() -> paramiko.SFTPHandle:
            mode = "wb" if flags & os.O_WRONLY else "r+b" if flags & os.O_RDWR else "rb"
            return _Handle(flags, self._real(path).open(mode))

        return _result(opened)


def _result(act: Any) -> Any:
    try:
        return act()
    except OSError as error:
        return paramiko.SFTPServer.convert_errno(error.errno or 0)
