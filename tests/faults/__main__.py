"""`make faults`: every fault over many seeds; prints the table and writes docs/reliability.md.

Several processes play side by side, each in an installation of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import quantiles

from config.dev.sandbox.customer_api import SandboxApi
from config.dev.sandbox.http_server import running
from tests.config.commands import PROJECT
from tests.faults.crew import Crew
from tests.faults.installation import installed
from tests.faults.matrix import FAULTS, LEASE_SECONDS, Run, play

PAGE = PROJECT / "docs/reliability.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of the table -->\n"
HEAD = (
    "| fault | jobs | records | lost | twice | unproven | unknown | of these stored "
    "| recovery p50 | p95 |\n|---|---|---|---|---|---|---|---|---|---|\n"
)


def table(runs: list[Run]) -> str:
    """One line for each fault, and one for all of them."""
    lines = [line(name, [run for run in runs if run.fault == name]) for name in FAULTS]
    known = [run for run in runs if run.fault in FAULTS]
    return HEAD + "".join(filter(None, lines)) + line("**all**", known)


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
    seeds = len({run.seed for run in runs})
    said = f"{len(runs)} jobs over {seeds} seeds. A lease is {LEASE_SECONDS:g} s."
    PAGE.write_text(f"{text[:before]}\n{said}\n\n{table(runs)}\n{text[after:]}")


def main() -> int:
    """Exit 1 where something was lost, sent twice, or claimed without proof."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1, help="from one seed to the next")
    parser.add_argument("--only", action="append", choices=FAULTS, default=[])
    parser.add_argument("--parallel", type=int, default=3)
    parser.add_argument("--runs", type=Path, help="add to these runs, and make the table of all")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    faults, first, step = given.only or list(FAULTS), given.first, given.step
    seeds = range(first, first + given.seeds * step, step)
    if given.alone:
        play_alone(faults, seeds, given.runs)
        return 0
    with tempfile.TemporaryDirectory(prefix="redrive-runs-") as folder:
        path = given.runs or Path(folder) / "runs.jsonl"
        ended_well = play_all(faults, seeds, path, given.parallel)
        runs = read(path)
    write(runs)
    sys.stdout.write(f"Lease: {LEASE_SECONDS:g} s. Seeds: {len({run.seed for run in runs})}.\n")
    sys.stdout.write(table(runs))
    is_bad = any(run.lost or run.twice or run.unproven for run in runs)
    return int(is_bad or not ended_well)


def play_all(faults: list[str], seeds: range, path: Path, parallel: int) -> bool:
    """Deal the seeds out to processes that play each fault; whether all ended well."""
    options = [each for fault in faults for each in ("--only", fault)]
    started = []
    for some in filter(None, (seeds[n::parallel] for n in range(parallel))):
        command = [sys.executable, "-m", "tests.faults", "--alone", "--runs", str(path), *options]
        dealt = {"--first": some.start, "--seeds": len(some), "--step": some.step}
        command += [text for option, value in dealt.items() for text in (option, str(value))]
        started.append(subprocess.Popen(command, cwd=PROJECT))
    codes = [each.wait() for each in started]
    return not any(codes)


def play_alone(faults: list[str], seeds: range, path: Path) -> None:
    """In an installation of this process alone."""
    import django

    home = Path(tempfile.mkdtemp(prefix="redrive-faults-"))
    api = SandboxApi(seed=1)
    installations = installed(home)
    redrive = next(installations)
    try:
        redrive.environment |= {"STOP_AFTER_BATCHES": "0"}  # no person is here to resume a job
        os.environ.update(redrive.environment)
        django.setup()
        crew = Crew(redrive)
        with running(api) as url:
            for fault in faults:
                for seed in seeds:
                    keep(path, play(crew, api, url, fault, seed))
    finally:
        redrive.end_all()
        installations.close()


def read(path: Path) -> list[Run]:
    if not path.exists():
        return []
    return [Run(**json.loads(each)) for each in path.read_text().splitlines()]


def keep(path: Path, run: Run) -> None:
    """One line, written at once: processes share the file."""
    line = json.dumps(asdict(run)) + os.linesep
    sys.stderr.write(line)
    with path.open("a") as file:
        file.write(line)


if __name__ == "__main__":
    sys.exit(main())
