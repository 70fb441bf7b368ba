"""Write a job's retry directory again, from the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imports import job_types, retry_directory
from imports.commands import JobCommand, find_job, refuse
from imports.ledger.totals import describe
from imports.outside_text import printable
from imports.storage import stored

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(JobCommand):
    """Writes the records of the job and its retries that wait for a person to a directory."""

    help = "Write (again) the retry directory of a job."
    waits = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("job", type=int, metavar="JOB")
        parser.add_argument(
            "--output", type=Path, metavar="DIR", help="where to (default: RETRY_FILES_DIR)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        job = find_job(options["job"])
        chosen: Path | None = options["output"]
        parent = chosen.resolve() if chosen else retry_directory.home()
        try:
            directory = job_types.get(job.kind).write_retry_files(job, parent)
        except OSError as error:
            refuse(
                f"{printable(stored.shown(str(parent)))} cannot be written to: {error.strerror}. "
                "Name another with --output."
            )
        job.refresh_from_db()
        written = stored.shown(str(directory)) if directory else None
        summary = describe(job) | {"retry_directory": written}
        words = written or "No record waits for a retry: nothing was written."
        self.stdout.write(json.dumps(summary) if options["json"] else words)
