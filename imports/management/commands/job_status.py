"""Say where a job stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imports.commands import JobCommand, find_job, wait_for
from imports.states import ENDED_JOBS

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(JobCommand):
    """Exit code 1 where a job has ended with failures or unknowns."""

    help = "Show a job's numbers; with --watch until it has ended."
    waits = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("job", type=int, metavar="JOB")
        parser.add_argument(
            "--watch", action="store_true", help="show progress until it has ended"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        job = find_job(options["job"])
        if options["watch"]:
            wait_for(job, self.stderr.write)
        job.refresh_from_db()
        self.report(job, options, exit_with_verdict=job.status in ENDED_JOBS)
