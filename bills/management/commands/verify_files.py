"""Compare the ledger with the storage."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from bills import retention
from imports.commands import SOME_FAILED, refuse
from imports.engine import queue
from imports.storage import verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.management.base import CommandParser

    from imports.storage.verify import Comparison

REMEDIES = {
    "uploads": "Put them back from a backup.",
    "bills": "The next download with these credentials fetches them again, or now: --fetch.",
    "retry files": "Write them again: manage.py retry_files JOB",
}


class Command(BaseCommand):
    """Looks for every file that the ledger names, and reads it. Exit 1 where one is not right."""

    help = "Compare the ledger with the storage: files that are missing, and altered ones."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--quick", action="store_true", help="compare existence and size, and read nothing"
        )
        parser.add_argument(
            "--fetch",
            action="store_true",
            help="start a download of the bills that are missing, with the stored credentials",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        quick: bool = options["quick"]
        sources = {
            "uploads": verify.uploads(),
            "bills": retention.expected_files(),
            "retry files": verify.retry_directories(),
        }
        try:
            found = [verify.compare(kind, files, quick=quick) for kind, files in sources.items()]
        except OSError as error:
            refuse(f"{error.strerror or error}. Nothing is known of the files.")
        jobs = self._fetch() if options["fetch"] else []
        summary = {each.kind.replace(" ", "_"): asdict(each) for each in found}
        text = json.dumps(summary | {"started": jobs}) if options["json"] else "\n".join(
            line for each in found for line in _in_words(each)
        )  # fmt: skip
        self.stdout.write(text)
        if not all(each.is_whole for each in found):
            sys.exit(SOME_FAILED)

    def _fetch(self) -> list[int]:
        jobs = retention.fetch_again(actor="command line")
        for job in jobs:
            queue.enqueue_on_commit(job.pk)
            self.stderr.write(f"Job {job.pk} fetches {job.name}.")
        return [job.pk for job in jobs]


def _in_words(found: Comparison) -> Iterator[str]:
    yield (
        f"{found.kind}: {found.expected:,} in the ledger, {found.present:,} in the storage, "
        f"{found.missing_count:,} missing, {found.altered_count:,} altered"
    )
    yield from (f"  missing: {name}" for name in found.missing)
    yield from (f"  altered: {name}" for name in found.altered)
    if not found.is_whole:
        yield f"  {REMEDIES[found.kind]}"
