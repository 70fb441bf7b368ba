"""Import customers from files or directories."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imports.commands import SOME_FAILED, JobCommand, add_rollout, refuse
from imports.customers import drafts, dry_run
from imports.customers.dry_run import in_words
from imports.customers.files.errors import UnreadableFile
from imports.customers.files.reader import customer_files, real
from imports.customers.members import template
from imports.job_types import UnreadableInput
from imports.ledger import known_before
from imports.messages import from_json
from imports.models import CustomerApi, ImportJob, RecordTemplate
from imports.outside_text import printable_name

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(JobCommand):
    """All files are checked first; if one cannot be read, nothing is imported (exit code 2)."""

    help = (
        "Import customers from files, or directories of them (retry directories too): JSON, "
        "NDJSON, CSV, XLSX, each also as .gz; --template makes records of a table's rows. The "
        "very same file again, at the same API, sends only what did not succeed the first time: "
        "the others are excluded (ALREADY_IMPORTED, IMPORTED_LATER), which is said before "
        "anything is sent and is no failure. A retry file that was changed corrects the records "
        "that failed. --force sends all of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_rollout(parser)
        parser.add_argument("paths", nargs="+", metavar="PATH", type=Path)
        parser.add_argument(
            "--api", required=True, metavar="NAME", help="as set up with customer_api"
        )
        parser.add_argument(
            "--template",
            default="",
            metavar="NAME",
            help="the record template that makes records of a table's rows (CSV, XLSX); without "
            "it, the API's only template for just these headings",
        )
        parser.add_argument("--name", default="", metavar="TEXT", help="what to call this import")
        parser.add_argument(
            "--force",
            "--insist",
            dest="force",
            action="store_true",
            help="send also what is left out otherwise: records of a retry file, or of a file "
            "that this API got before, that were imported already or in a newer version",
        )
        parser.add_argument(
            "--leave-earlier-copies-out",
            action="store_true",
            help="where the files name a customer several times, send only the last copy",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="read everything, say what would be sent and what left out (exit code 1 where "
            "anything is), and send and store nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        api = CustomerApi.objects.filter(name=options["api"]).first()
        if api is None:
            refuse(f"There is no API {options['api']!r}. Create it first: manage.py customer_api")
        self.template = self._template(options["template"], api)
        paths = self._files(options["paths"])
        if options["dry_run"]:
            self._foretell(api, paths, options)
            return
        name = options["name"] or self._name(options["paths"])
        job = drafts.new_draft(api, name, "command line", **self._choices(options))
        try:
            self._add(job, paths)
        except BaseException:  # the files that came before are not left behind without the rest
            drafts.remove_draft(job)
            raise
        self.launch(job, options)

    def _template(self, name: str, api: CustomerApi) -> RecordTemplate | None:
        if not name:
            return None
        found = template.current(name)
        if found is None or found.api_id != api.pk:
            known = RecordTemplate.objects.filter(api=api, is_current=True).order_by("name")
            names = ", ".join(map(repr, known.values_list("name", flat=True))) or "none"
            refuse(f"There is no record template {name!r} of {api.name!r}. It has: {names}.")
        return found

    def _choices(self, options: dict[str, Any]) -> dict[str, bool]:
        """What the operator decided about the records: fields of the job."""
        return {
            "force": options["force"],
            "leave_earlier_copies_out": options["leave_earlier_copies_out"],
        }

    def _files(self, paths: list[Path]) -> list[Path]:
        try:
            found = [real(file) for path in paths for file in customer_files(path)]
            return list(dict.fromkeys(found))  # a file that is named twice is read once
        except UnreadableFile as error:
            refuse(str(error))

    def _foretell(self, api: CustomerApi, paths: list[Path], options: dict[str, Any]) -> None:
        """Say what would happen; exit 1 where anything would be left out."""
        try:
            found = dry_run.of_paths(api, paths, self.template, **self._choices(options))
        except UnreadableInput as error:
            refuse(f"{error}\nNothing would be imported.")
        self.stdout.write(json.dumps(found) if options["json"] else in_words(found))
        if found["would_exclude"]:
            sys.exit(SOME_FAILED)

    def _name(self, paths: list[Path]) -> str:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        return f"{printable_name(real(paths[0]))}{more}"

    def _add(self, job: ImportJob, paths: list[Path]) -> None:
        for path in paths:
            file = drafts.add_path(job, path, template=self.template)
            for warning in [*file.warnings, *(refusal["message"] for refusal in file.refusals)]:
                self.stderr.write(self.style.WARNING(str(from_json(warning))))
        notes = [note for file in job.files.order_by("pk") for note in file.known_before]
        for said in known_before.of_files(notes):
            self.stderr.write(self.style.WARNING(said))
        if not job.force and any(map(known_before.can_be_forced, notes)):
            self.stderr.write("--force sends what is left out.")
        if unreadable := drafts.unfinished(job):
            refused = [str(file.message) for file in unreadable]
            refuse("\n".join([*refused, "Nothing was imported."]))
