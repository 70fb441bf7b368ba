"""Both seeds' stories from end to end against the sandbox, with real workers."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.dev.browser import REMEDY, find_browser
from config.dev.sandbox.customer_api import SandboxApi
from config.dev.sandbox.http_server import SandboxServer
from config.dev.sandbox.portal import PortalSite
from config.dev.sandbox.stories import BillStory, CustomerStory, Disagreement
from imports.engine import queue

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTAGE_TRIES = 3  # as many as the job's attempts: then the retry finds it over
START_SECONDS, END_SECONDS, LOOK_SECONDS = 30, 20, 0.1


class Command(BaseCommand):
    """Exit code 0 only if every number is the expected one."""

    help = "Run an import and bill downloads with failures and retries; check every number."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        api, portal = SandboxApi(1, outage_tries=OUTAGE_TRIES), PortalSite(1)
        server = SandboxServer(api, portal)
        server.start()
        try:
            with self._workers():
                self._play(CustomerStory(api, server.base_url, settings.HOME, self.stdout.write))
                self._need_browser()
                self.stdout.write("")
                self._play(BillStory(portal, server.base_url, settings.HOME, self.stdout.write))
        finally:
            server.stop()
        self.stdout.write(self.style.SUCCESS("Nothing lost, nothing twice."))

    def _play(self, story: CustomerStory | BillStory) -> None:
        try:
            story.play()
        except Disagreement as error:
            raise CommandError(f"The demo failed. {error}", returncode=1) from None

    def _need_browser(self) -> None:
        if find_browser() is None:
            raise CommandError(f"The demo failed. {REMEDY}", returncode=1)

    def _await_workers(self) -> None:
        for _ in range(int(START_SECONDS / LOOK_SECONDS)):
            if queue.worker_count() >= 2:
                return
            time.sleep(LOOK_SECONDS)
        raise CommandError("The demo failed. Its workers did not start.", returncode=1)

    @contextmanager
    def _workers(self) -> Iterator[None]:
        """Two real workers and a sweeper, as `make run` has them."""
        manage = [sys.executable, "manage.py"]
        commands = [["rqworker", "--verbosity", "0"], ["rqworker", "--verbosity", "0"], ["sweep"]]
        running = [
            subprocess.Popen([*manage, *command], cwd=settings.BASE_DIR) for command in commands
        ]
        try:
            self._await_workers()
            yield
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(END_SECONDS)
