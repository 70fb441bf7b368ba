"""Send a job's failed records again, as a new job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imports.commands import JobCommand, add_beginning, find_job, refuse
from imports.ledger.moves import NotAllowed
from imports.ledger.rounds import retry

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(JobCommand):
    """Unknown records are left out: they may have arrived."""

    help = "Make a new job of only the failed records of a job, and start it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_beginning(parser)
        parser.add_argument("job", type=int, metavar="JOB")
        parser.add_argument(
            "--insist",
            action="store_true",
            help="bills: also those whose password was refused and has not been changed since",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = retry(
                find_job(options["job"]),
                actor="command line",
                insists=options["insist"],
                beginning=options["begin"],
            )
        except NotAllowed as refusal:
            refuse(str(refusal))
        if made.skipped:
            self.stderr.write(
                f"{made.skipped} failed records are being retried already: left out."
            )
        if made.left_out:
            self.stderr.write(
                f"{made.left_out} would fail again, for nothing was corrected since: left out. "
                "--insist takes them along."
            )
        self.follow(made.job, options)
