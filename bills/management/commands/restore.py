"""Restore a backup into an empty installation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from imports.commands import refuse
from imports.storage import backup

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Puts everything back, and holds the jobs that were under way for a person to look at."""

    help = "Restore a backup into an empty, migrated installation. Start no worker before."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, metavar="DIR")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = backup.restore(options["directory"])
        except (backup.BackupError, OSError) as error:
            refuse(str(error))
        self.stdout.write(
            f"Restored the database and {done.files:,} files as of {done.made_at}. "
            f"{done.held:,} jobs that were under way wait for you."
        )
