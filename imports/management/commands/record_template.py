"""Create the next version of a record template, or print a first guess of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from imports.commands import refuse
from imports.customers import drafts
from imports.customers.members import preview, sources
from imports.customers.members.template import (
    BadTemplate,
    Overtaken,
    as_json,
    current,
    read,
    save_version,
)
from imports.models import CustomerApi, ImportFile, ImportJob
from imports.outside_text import stored_path

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

    from imports.customers.members.preview import Sample
    from imports.customers.members.template import Template


class Command(BaseCommand):
    """What the editor does, for scripts: `--guess FILE` prints, `--fields FILE.json` saves."""

    help = (
        "Save a record template, which makes an API's record of each row of a CSV or XLSX file; "
        "the same name again makes the next version. --guess prints a first one for a file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--api", required=True, metavar="NAME")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--fields", type=Path, metavar="FILE.json", help="the template to save")
        which.add_argument(
            "--guess", type=Path, metavar="FILE", help="print a template for this file's headings"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        api = CustomerApi.objects.filter(name=options["api"]).first()
        if api is None:
            refuse(f"There is no API {options['api']!r}. Create it first: manage.py customer_api")
        if options["guess"]:
            template = preview.guess(_sample(options["guess"], api), api)
            self.stdout.write(json.dumps(as_json(template), indent=2, ensure_ascii=False))
            return
        last = current(options["name"])
        if last is not None and last.api_id != api.pk:
            refuse(f"The record template {last.name!r} is for the API {last.api.name!r}.")
        template = _template(options["fields"])
        try:
            saved = save_version(options["name"], api, template, (), "command line", after=last)
        except Overtaken:
            refuse("Somebody has saved a later version meanwhile. Nothing was saved.")
        self.stdout.write(f"Saved: {saved.name!r}, version {saved.version}.")


def _template(path: Path) -> Template:
    try:
        return read(json.loads(path.read_bytes()))
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}.")
    except BadTemplate as error:
        refuse(str(error))
    except (ValueError, RecursionError) as error:
        refuse(f"{path} is not JSON: {error}.")


def _sample(path: Path, api: CustomerApi) -> Sample:
    """The first rows of a file that is not imported."""
    job = ImportJob(kind="customers", api=api, **drafts.settings_of(api))
    file = ImportFile(job=job, name=path.name, path=stored_path(path))
    try:
        if not path.is_file():
            refuse(f"There is no file {path}.")
        sources.make_readable(file)
        member = sources.member_of(file)
        if member is None or not member.form:
            refuse(f"{path.name} is no table (CSV or XLSX). {file.message or ''}".strip())
        return preview.sample_of(member)
    finally:
        sources.forget_pieces(file)
