"""Back up the database, the stored files and, if asked for, the keys."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from bills import retention
from imports.commands import refuse
from imports.storage import backup, stored, verify

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Writes a new directory. Jobs may run meanwhile."""

    help = "Back up the database and the stored files into a new directory."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, metavar="DIR", help="must not exist yet")
        parser.add_argument(
            "--with-keys",
            action="store_true",
            help="include SECRET_KEY and CREDENTIAL_KEYS: whoever has the backup can then open it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        expected = chain(verify.uploads(), retention.expected_files(), verify.retry_directories())
        names = (stored.name_of(file.where) for file in expected if stored.is_stored(file.where))
        try:
            done = backup.make(options["directory"], names, with_keys=options["with_keys"])
        except FileExistsError:
            refuse(f"{options['directory']} exists already. Name a new directory.")
        except (backup.BackupError, OSError) as error:
            refuse(str(error))
        self.stdout.write(f"{options['directory']}: the database and {done.files:,} files.")
        if done.missing:
            self.stderr.write(f"{done.missing:,} files are missing: manage.py verify_files")
