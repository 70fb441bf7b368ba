"""Send a job's failed records again, as a new job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imports.commands import JobCommand, add_rollout, find_job, finish, refuse
from imports.ledger import bulk_actions, known_before
from imports.ledger.lifecycle import NotAllowed
from imports.models.bulk_actions import ActionType

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

    from imports.models import BulkAction


class Command(JobCommand):
    """Unknown records are left out: they may have arrived."""

    help = "Make a new job of only the failed records of a job, and start it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_rollout(parser)
        parser.add_argument("job", type=int, metavar="JOB")
        parser.add_argument(
            "--force",
            "--insist",
            dest="force",
            action="store_true",
            help="also those that are left out otherwise: customers whom this API got in a newer "
            "version since; bills whose password was refused and has not been changed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        job = find_job(options["job"])
        try:
            done = bulk_actions.carry_out(
                job, ActionType.RETRY, actor="command line", force=options["force"],
                rollout=options["begin"],
            )  # fmt: skip
        except NotAllowed as refusal:
            refuse(str(refusal))
        self._tell(done)
        finish(done)
        if done.made is None:
            refuse("These records changed meanwhile: nothing was sent. Look at the job again.")
        self.follow(done.made, options)

    def _tell(self, done: BulkAction) -> None:
        """What is left out."""
        for said in known_before.of_later(done.imported_later):
            self.stderr.write(f"{said} (--force)")
        if done.skipped_retried:
            self.stderr.write(
                f"{done.skipped_retried} failed records are already being retried: left out."
            )
        if done.left_out:
            self.stderr.write(
                f"{done.left_out} would fail again, for nothing was corrected since: left out. "
                "--force takes them along."
            )
