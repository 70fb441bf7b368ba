"""Download the bills of every credential of a CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bills.csv.reader import UnreadableCsv
from bills.drafts import new_draft
from bills.models import Portal
from imports.commands import JobCommand, add_rollout, refuse
from imports.outside_text import printable, printable_name

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(JobCommand):
    """Rows that cannot be used are told and left out; an unreadable file is exit code 2."""

    help = "Log in with every credential of a CSV and keep the bills that are new."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_rollout(parser)
        parser.add_argument("csv", metavar="CSV", type=Path)
        parser.add_argument(
            "--portal", required=True, metavar="NAME", help="as set up with portal"
        )
        parser.add_argument("--name", default="", metavar="TEXT", help="what to call this job")

    def handle(self, *args: Any, **options: Any) -> None:
        portal = Portal.objects.filter(name=options["portal"]).first()
        if portal is None:
            refuse(f"There is no portal {options['portal']!r}. Create it first: manage.py portal")
        path = options["csv"]
        try:
            draft = new_draft(portal, path, printable_name(path), options["name"], "command line")
        except UnreadableCsv as refusal:
            refuse(f"{refusal}\nNothing was started.")
        except OSError as error:
            refuse(f"{printable(str(path))} cannot be read: {error.strerror}.")
        for reason in draft.refused:
            self.stderr.write(self.style.WARNING(reason))
        self.launch(draft.job, options)
