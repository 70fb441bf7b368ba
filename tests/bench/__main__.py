"""`make bench`: every measurement, written to RESULTS.md as ratios. Exit 1 where one misses.

Only a run of all of them writes RESULTS.md, and writes it whole: all its figures are of one run
on one machine, which it names.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import sys
from pathlib import Path

import django
from django.core.management import call_command

from config.dev import server_processes, servers

RESULTS = Path(__file__).with_name("RESULTS.md")
PRODUCT = ("config", "imports", "bills")


def main() -> int:
    """Run the named sections, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument(
        "--measure", nargs=2, metavar=("WHAT", "PATH"), help="for the bench itself"
    )
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    servers.ensure_unnamed()
    django.setup()
    from tests.bench import (
        bills,
        growth,
        importing,
        pages,
        posting,
        reading,
        results,
        rows,
        sending,
    )  # fmt: skip

    if options.measure:
        print(json.dumps(reading.measure(options.measure[0], Path(options.measure[1]))))  # noqa: T201
        return 0
    call_command("migrate", verbosity=0)
    for folder in PRODUCT:  # as in an installation: its processes do not compile it each time
        compileall.compile_dir(server_processes.PROJECT / folder, quiet=1)
    known = {
        "import": importing.run, "sending": sending.run, "posting": posting.run,
        "reading": reading.run, "csv": rows.run, "growth": growth.run, "bills": bills.run,
        "pages": pages.run,
    }  # fmt: skip
    sections = [known[name]() for name in options.sections or known]
    text = results.report(sections)
    sys.stdout.write(text)
    if not options.sections:
        _publish(RESULTS, text)
        for section in sections:
            for name, picture in section.pictures.items():
                _publish(RESULTS.with_name(name), picture)
    misses = [miss for section in sections for miss in section.misses]
    sys.stderr.writelines(f"{miss}\n" for miss in misses)
    return 1 if misses else 0


def _publish(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
