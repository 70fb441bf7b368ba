"""`python -m config.embedded psql …`, `pg_dump …`, `wipe`: the embedded servers by hand."""

from __future__ import annotations

import os
import subprocess
import sys

from config import embedded
from config.embedded import cluster

USAGE = """\
usage: python -m config.embedded wipe               delete all that REDRIVE_HOME holds
       python -m config.embedded PROGRAM [ARG…]     psql, pg_dump, pg_restore … on the database
"""

LIBPQ = {"PGHOST": "HOST", "PGDATABASE": "NAME", "PGUSER": "USER"}


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code (2 for bad usage or a server that can't start)."""
    if not arguments or arguments[0].startswith("-"):
        sys.stderr.write(USAGE)
        return 2
    try:
        if arguments == ["wipe"]:
            embedded.wipe()
            return 0
        embedded.ensure(redis=False)
        program = cluster.program(arguments[0])
    except embedded.EmbeddedServerError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if not program.exists():
        sys.stderr.write(f"PostgreSQL has no program {arguments[0]}.\n{USAGE}")
        return 2
    database = embedded.urls().database
    address = {variable: str(database[name]) for variable, name in LIBPQ.items()}
    return subprocess.run([program, *arguments[1:]], env=os.environ | address).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
