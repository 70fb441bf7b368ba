"""The sweeper as a process."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, connection

from imports.engine import sweeper

logger = logging.getLogger("imports.engine.sweeper")


class Command(BaseCommand):
    """Runs until a signal stops it, and waits for a database that is down."""

    help = "Recover work from dead workers and re-queue lost jobs, every second or once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="sweep once, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            sweeper.sweep()
            return
        stopped = threading.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: stopped.set())
        while not stopped.wait(settings.SWEEP_SECONDS):
            try:
                sweeper.sweep()
            except Error as error:
                logger.warning("the database is down, trying again: %s", type(error).__name__)
                connection.close()
