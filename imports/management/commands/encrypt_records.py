"""Encrypt the customers' records that are stored plain."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from imports import encryption
from imports.commands import refuse
from imports.sealing import keys


class Command(BaseCommand):
    """May be stopped, and run again, at any time. Jobs may run meanwhile."""

    help = (
        "Encrypt the records, uploads and answers that were stored before ENCRYPT_RECORDS was on."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not keys.is_on():
            refuse("ENCRYPT_RECORDS is off. Set it to true first, for all processes.")
        done: Counter[str] = Counter()
        try:
            for what, count in encryption.everything():
                done[what] += count
        except OSError as error:
            refuse(f"{error.strerror or error}. Run it again: it goes on where it was.")
        said = ", ".join(f"{count} {what}" for what, count in done.items() if count)
        left = encryption.plain_files().count()
        if said or not left:
            self.stdout.write(f"Encrypted: {said}." if said else "Nothing was left to encrypt.")
        if left:
            refuse(f"{left} files are still plain: a worker reads them. Run it again when it has.")
