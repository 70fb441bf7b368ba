"""Find a person everywhere, and erase what may be erased."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from imports import retention
from imports.commands import SOME_FAILED, TextCommand, refuse

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

    from imports.job_types import Trace

REASONS = {
    retention.UNDER_WAY: "it is still being sent: wait until its job has ended",
    retention.UNRESOLVED: "it failed, and nobody has decided: retry or exclude it first",
    retention.NOT_OURS: "this file is yours: delete it yourself",
}


class Command(TextCommand):
    """By customer id or e-mail. Without --yes it only says what it would erase."""

    help = "Erase a person by customer id or e-mail: records, answers, bills, credentials, files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", metavar="ID_OR_EMAIL")
        parser.add_argument("--yes", action="store_true", help="erase; without it, only look")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        person: str = options["person"].strip()
        if not person:
            refuse("Name a customer id or an e-mail address.")
        try:
            if options["yes"]:
                found = retention.erase(person, "command line")
            else:
                found = retention.find(person)
        except OSError as error:
            refuse(f"{error.strerror or error}. Run it again: what is left is found again.")
        self.stdout.write(
            _as_json(found, options) if options["json"] else _in_words(found, options)
        )
        if any(trace.stays_because for trace in found):
            sys.exit(SOME_FAILED)


def _as_json(found: list[Trace], options: dict[str, Any]) -> str:
    return json.dumps({"erased": options["yes"], "found": [asdict(each) for each in found]})


def _in_words(found: list[Trace], options: dict[str, Any]) -> str:
    if not found:
        return "Nothing is kept of this person."
    done = "erased" if options["yes"] else "would be erased (--yes)"
    lines = []
    for each in found:
        what = f"{each.count:,} × {each.what} {each.where}".rstrip()
        why = REASONS.get(each.stays_because, each.stays_because)
        lines.append(f"{what}: stays, {why}" if why else f"{what}: {done}")
    return "\n".join(lines)
