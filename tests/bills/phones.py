"""An operator with the accounts' phones at hand: types each code that is asked for."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection
from django.urls import resolve

from bills.models import CodeRequest
from imports.models import Notification
from imports.models.notifications import What

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from config.dev.sandbox.portal import PortalSite

LOOK_SECONDS = 0.2


@contextmanager
def operator(site: PortalSite, client: Client) -> Iterator[list[str]]:
    """While the block runs, follow each notification to its page and type the code there.

    The e-mails that were asked for, in order.
    """
    asked: list[str] = []
    stop = threading.Event()

    def answer() -> None:
        pages: set[str] = set()
        try:
            while not stop.wait(LOOK_SECONDS):
                wanted = Notification.objects.filter(what=What.CODE_WANTED)
                for path in set(wanted.values_list("path", flat=True)) - pages:
                    pages.add(path)
                    asked.append(_typed(site, client, path))
        finally:
            connection.close()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        stop.set()
        thread.join(30)


def _typed(site: PortalSite, client: Client, path: str) -> str:
    """Whose code was typed at this page."""
    request = CodeRequest.objects.select_related("credential").get(pk=resolve(path).kwargs["pk"])
    email = request.credential.email
    assert email in client.get(path).content.decode()
    assert client.post(path, {"code": site.codes.on_the_phone()[email]}).status_code == 302
    return email
