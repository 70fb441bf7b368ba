#!/usr/bin/env python
"""Django's command line. A command finds PostgreSQL and Redis running, or starts them first."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from django.core.management import ManagementUtility

from config import __version__
from config.dev import servers
from config.dev.server_processes import EmbeddedServerError

if TYPE_CHECKING:
    from django.core.management.base import BaseCommand

# These touch neither the database nor Redis. Asking any command for --help does not, either.
WITHOUT_SERVERS = {
    "check", "collectstatic", "compilemessages", "findstatic", "help", "makemessages", "version"
}  # fmt: skip


def needs_servers(arguments: list[str]) -> bool:
    """Whether this command line (without the program's name) does more than say something."""
    asks_for_help = {"-h", "--help", "--version"} & set(arguments)
    return bool(arguments) and not asks_for_help and arguments[0] not in WITHOUT_SERVERS


class Commands(ManagementUtility):
    """Django's commands. While the apps are loaded, the garbage collector is off: it finds nothing
    then, and takes a quarter of the time.
    """

    def execute(self) -> None:
        gc.disable()
        super().execute()

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """The command, once all is loaded; that is never looked through again."""
        command = super().fetch_command(subcommand)
        gc.freeze()
        gc.enable()
        return command


def end(signum: int, _frame: object) -> NoReturn:
    """Leave through the regular exit, where the last user of the embedded servers stops them."""
    sys.exit(128 + signum)


def main() -> None:
    """Run the command; 2 when the embedded servers can't be had."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"Redrive {__version__}\n")
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    if needs_servers(sys.argv[1:]):
        try:
            servers.ensure_unnamed()
        except EmbeddedServerError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(2)
    Commands(sys.argv).execute()


if __name__ == "__main__":
    main()
