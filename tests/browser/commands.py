"""Carries out management commands, one for each line: a process for each would mostly start."""

from __future__ import annotations

import json
import sys


def main() -> None:
    """For each list of arguments, what the command said and its exit code."""
    import django

    from config.dev import servers

    servers.ensure_unnamed()
    django.setup()
    from django.db import connection

    from tests.imports.command_line import command

    for line in sys.stdin:
        said = command(*json.loads(line))
        connection.close()
        sys.stdout.write(json.dumps(vars(said)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
