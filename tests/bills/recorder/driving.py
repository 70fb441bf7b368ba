"""Records a portal as its page does: each button posts, and a worker's browser does it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.urls import reverse

from bills import recorder
from bills.models import Credential, RecordedAct, Recording
from tests.bills.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from bills.models import Portal


@dataclass(frozen=True, slots=True)
class Recorder:
    """A recording whose browser is open."""

    client: Client
    recording: Recording

    def url(self, page: str) -> str:
        return reverse(f"admin:bills_recorder_{page}", args=[self.recording.pk])

    def do(self, what: str, **fields: str) -> RecordedAct:
        """Press a button of the page; what came of it, once it is done."""
        answer = self.client.post(self.url("act"), {"do": what, **fields})
        assert answer.status_code == 302
        asked = RecordedAct.objects.filter(recording=self.recording).order_by("pk").last()
        assert asked is not None
        mine = RecordedAct.objects.filter(pk=asked.pk)
        wait_until(mine.filter(done_at__isnull=False).exists, f"the browser to do {what}")
        return mine.get()

    def keys(self, *names: str) -> RecordedAct:
        """Press these keys; what came of the last."""
        done = [self.do("key", key=name) for name in names]
        return done[-1]

    def log_in(self) -> RecordedAct:
        """Fill in the form by keyboard, and send it."""
        self.keys("Tab")
        self.do("user")
        self.keys("Tab")
        self.do("password")
        return self.keys("Enter")

    def shown(self) -> str:
        return self.client.get(self.url("watch")).content.decode()


def account(portal: Portal, email: str, password: str, **more: str) -> Credential:
    made: Credential = Credential.objects.create(
        portal=portal, email=email, account=email, password=password, **more
    )
    return made


@contextmanager
def recording(client: Client, portal: Portal, email: str) -> Iterator[Recorder]:
    """Open the browser by the page's button; it is closed behind the block."""
    answer = client.post(reverse("admin:bills_recorder", args=[portal.pk]), {"email": email})
    made = Recording.objects.latest("pk")
    assert answer["Location"] == reverse("admin:bills_recorder_watch", args=[made.pk])
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_run, made.pk)
        try:
            mine = Recording.objects.filter(pk=made.pk)
            wait_until(mine.exclude(view={}).exists, "the first picture")
            yield Recorder(client, made)
        finally:
            recorder.end(made)
            running.result(120)


def _run(pk: int) -> None:
    try:
        recorder.run(pk)
    finally:
        connection.close()
