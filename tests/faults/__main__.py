"""`make faults`: every fault over many seeds; prints the table and writes docs/reliability.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, cast

from config.dev.sandbox.customer_api import SandboxApi
from config.dev.sandbox.http_server import running
from tests.config.commands import PROJECT
from tests.faults.installation import installed
from tests.faults.matrix import FAULTS, LEASE_SECONDS, Run, play

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.faults.installation import Installation

PAGE = PROJECT / "docs/reliability.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of the table -->\n"
HEAD = (
    "| fault | jobs | records | lost | twice | unproven | unknown | of these stored "
    "| recovery p50 | p95 |\n|---|---|---|---|---|---|---|---|---|---|\n"
)


def table(runs: list[Run]) -> str:
    """One line for each fault, and one for all of them."""
    lines = [line(name, [run for run in runs if run.fault == name]) for name in FAULTS]
    return HEAD + "".join(filter(None, lines)) + line("**all**", runs)


def line(name: str, runs: list[Run]) -> str:
    if not runs:
        return ""
    counts = [
        sum(getattr(run, column) for run in runs)
        for column in ("records", "lost", "twice", "unproven", "unknown", "unknown_stored")
    ]
    seconds = sorted(run.recovery_seconds for run in runs)
    cuts = quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else seconds * 19
    cells = [name, len(runs), *counts, f"{cuts[9]:.1f} s", f"{cuts[18]:.1f} s"]
    return f"| {' | '.join(map(str, cells))} |\n"


def write(runs: list[Run]) -> None:
    """Replace the table in the page."""
    text = PAGE.read_text()
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    PAGE.write_text(f"{text[:before]}\n{table(runs)}\n{text[after:]}")


def main() -> int:
    """Exit 1 where something was lost, sent twice, or claimed without proof."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--only", action="append", choices=FAULTS, default=[])
    parser.add_argument("--runs", type=Path, help="add to these runs, and make the table of all")
    given = parser.parse_args()
    runs = read(given.runs)
    home = Path(tempfile.mkdtemp(prefix="redrive-faults-"))
    api = SandboxApi(seed=1)
    installations = cast("Generator[Installation]", installed(home))
    try:
        redrive = next(installations)
        redrive.environment |= {"STOP_AFTER_BATCHES": "0"}  # no person is here to resume a job
        with running(api) as url:
            for seed in range(given.first, given.first + given.seeds):
                for fault in given.only or FAULTS:
                    runs.append(play(redrive, api, url, fault, seed))
                    sys.stderr.write(f"{json.dumps(asdict(runs[-1]))}\n")
                    keep(given.runs, runs[-1])
    finally:
        redrive.end_all()
        installations.close()
    write(runs)
    sys.stdout.write(f"Lease: {LEASE_SECONDS:g} s. Seeds: {len({run.seed for run in runs})}.\n")
    sys.stdout.write(table(runs))
    return int(any(run.lost or run.twice or run.unproven for run in runs))


def read(path: Path | None) -> list[Run]:
    if path is None or not path.exists():
        return []
    return [Run(**json.loads(each)) for each in path.read_text().splitlines()]


def keep(path: Path | None, run: Run) -> None:
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps(asdict(run)) + os.linesep)


if __name__ == "__main__":
    sys.exit(main())
