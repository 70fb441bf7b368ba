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
from imports.engine.stopping import StopRequest

logger = logging.getLogger("imports.engine.sweeper")
MORE_SECONDS, NOTHING_SECONDS = 1.0, 300.0  # between two rounds of tidying


class Command(BaseCommand):
    """Runs until a signal stops it, and waits for a database that is down."""

    requires_system_checks = ("settings",)  # others load all pages
    help = "Recover work from dead workers and re-queue lost jobs, every second or once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="sweep once, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            sweeper.sweep()
            sweeper.tidy()
            return
        stopped = StopRequest()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: stopped.set())
        threading.Thread(target=_tidy, args=[stopped], name="tidy", daemon=True).start()
        while not stopped.wait(settings.SWEEP_SECONDS):
            try:
                sweeper.sweep()
            except Error as error:
                logger.warning("the database is down, trying again: %s", type(error).__name__)
                connection.close()


def _tidy(stopped: StopRequest) -> None:
    """Tidy now and then, beside the sweeps: a storage that does not answer holds none of them."""
    pause = MORE_SECONDS
    while not stopped.wait(pause):
        pause = NOTHING_SECONDS
        try:
            if sweeper.tidy():
                pause = MORE_SECONDS
        except Error as error:
            logger.warning("the database is down, tidying later: %s", type(error).__name__)
        except Exception:  # the sweeps go on, and the next round tries again
            logger.exception("tidying failed")
        finally:
            connection.close()
