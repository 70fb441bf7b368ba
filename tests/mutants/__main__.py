"""`make mutants`: each fault in a copy of the project; the test that it names must fail."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.config.commands import PROJECT, Command, wipe
from tests.mutants.mutants import MUTANTS

if TYPE_CHECKING:
    from tests.mutants.mutants import Mutant

PASSED, SOME_FAILED = 0, 1  # pytest's exit codes; another one means that the run broke
OPTIONS = ("-q", "-x", "--reuse-db", "-p", "no:cacheprovider")
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".redrive", "*.pyc", "staticfiles", "screenshots"
)


def copy_of_project(folder: Path) -> Path:
    """The project as it stands, to be broken."""
    copy = folder / "project"
    shutil.copytree(PROJECT, copy, ignore=LEFT_OUT)
    return copy


def run(copy: Path, home: Path, tests: list[str]) -> int:
    """pytest's exit code for these test files in the copy, up to the first failure."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *tests],
        cwd=copy, capture_output=True, check=False,
        env=os.environ | {"REDRIVE_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    return done.returncode


def is_caught(mutant: Mutant, copy: Path, home: Path) -> str:
    """Empty if the test fails with the fault in place; otherwise what is wrong."""
    path = copy / mutant.file
    source = path.read_text()
    if source.count(mutant.old) != 1:
        return f"stands there {source.count(mutant.old)} times, not once"
    path.write_text(source.replace(mutant.old, mutant.new))
    try:
        code = run(copy, home, [mutant.test])
    finally:
        path.write_text(source)
    if code == SOME_FAILED:
        return ""
    return "SURVIVED" if code == PASSED else f"pytest ended with {code}"


def main() -> int:
    """Exit 1 where a fault survives, or does not apply to the source any more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only faults whose file or test contains this")
    parser.add_argument("--part", default="1/1", help="2/3: the second third of them")
    given = parser.parse_args()
    part, parts = map(int, given.part.split("/"))
    chosen = [m for m in MUTANTS if given.only in f"{m.file} {m.test}"][part - 1 :: parts]
    folder = Path(tempfile.mkdtemp(prefix="redrive-mutants-"))
    home = folder / "home"
    holder = Command(home)  # keeps the servers running between the runs
    try:
        holder.ensure()
        return judge(chosen, copy_of_project(folder), home)
    finally:
        holder.end()
        wipe(home)
        shutil.rmtree(folder)


def judge(chosen: list[Mutant], copy: Path, home: Path) -> int:
    """Run the tests as they are, then with each fault."""
    if run(copy, home, sorted({mutant.test for mutant in chosen})) != PASSED:
        sys.stdout.write("The tests fail without any fault: there is nothing to prove.\n")
        return 1
    problems = 0
    for number, mutant in enumerate(chosen, start=1):
        problem = is_caught(mutant, copy, home)
        problems += bool(problem)
        verdict = problem or "caught"
        sys.stdout.write(f"{number:3} {verdict:10} {mutant.file}: {mutant.old.strip()[:60]!r}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - problems} of {len(chosen)} faults are caught.\n")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
