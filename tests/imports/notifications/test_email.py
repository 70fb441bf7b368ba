"""Mails: through Django's own backends, and a mail server on a real socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail as outbox

from imports import notifications
from imports.models import Channel
from imports.notifications import Message, NotDelivered
from tests.imports.customers.scripted_server import refused_port
from tests.listener import Listener

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

SMTP = "django.core.mail.backends.smtp.EmailBackend"
MESSAGE = Message("redrive-7", "[Redrive] Finished: Möbler", "All well.\nå", {})
CHANNEL = Channel(name="ops", recipients="anna@example.test\nbo@example.test")


class MailServer:
    """Speaks just enough SMTP to take a mail, or to refuse it."""

    def __init__(self, refuses: bytes = b"") -> None:
        self.refuses, self.mails, self.to = refuses, list[bytes](), list[bytes]()
        self.listener = Listener(self._serve)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb", buffering=0) as stream:
            stream.write(b"220 ready\r\n")
            for line in iter(stream.readline, b""):
                stream.write(self._answer(line, stream))

    def _answer(self, line: bytes, stream: Any) -> bytes:
        verb = line[:4].upper()
        if verb == b"MAIL" and self.refuses:
            return self.refuses
        if verb == b"RCPT":
            self.to.append(line.partition(b":")[2].strip())
        if verb == b"DATA":
            stream.write(b"354 go on\r\n")
            lines = iter(stream.readline, b".\r\n")
            self.mails.append(b"".join(lines))
        return b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n"


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    """A mail server that takes what comes; EMAIL_URL leads to it."""
    running = MailServer()
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
    settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = running.listener.port, 30
    yield running
    running.listener.close()


def test_one_mail_reaches_all_recipients(server: MailServer) -> None:
    notifications.send_email(CHANNEL, MESSAGE)
    (sent,) = server.mails
    assert server.to == [b"<anna@example.test>", b"<bo@example.test>"]
    assert b"Message-ID: <redrive-7@" in sent
    assert b"Auto-Submitted: auto-generated" in sent


def test_a_server_that_refuses_is_reported_by_its_code_and_not_in_its_words(
    server: MailServer,
) -> None:
    server.refuses = b"550 mailbox of anna@example.test unknown\r\n"
    with pytest.raises(NotDelivered, match=r"refused it \(code 550\)") as refusal:
        notifications.send_email(CHANNEL, MESSAGE)
    assert "anna" not in str(refusal.value)


def test_an_unreachable_server_is_reported(server: MailServer, settings: Any) -> None:
    away = pytest.raises(NotDelivered, match="could not be reached: Connection refused")
    with refused_port() as settings.EMAIL_PORT, away:
        notifications.send_email(CHANNEL, MESSAGE)


def test_without_a_mail_server_nothing_is_taken_for_sent(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    with pytest.raises(NotDelivered, match="EMAIL_URL"):
        notifications.send_email(CHANNEL, MESSAGE)


def test_in_development_a_mail_is_a_file(settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    notifications.send_email(CHANNEL, MESSAGE)
    (file,) = tmp_path.iterdir()
    assert "To: anna@example.test, bo@example.test" in file.read_text()


def test_its_words_arrive_as_they_are() -> None:
    notifications.send_email(CHANNEL, MESSAGE)
    (sent,) = outbox.outbox
    assert (sent.subject, sent.body) == (MESSAGE.subject, MESSAGE.text)
