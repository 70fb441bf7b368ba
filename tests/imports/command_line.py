"""Commands as the command line runs them: what they print, and their exit code."""

from __future__ import annotations

import json
from io import StringIO
from types import SimpleNamespace
from typing import Any

from django.core.management import CommandError, call_command


class Said(SimpleNamespace):
    """What a command printed and ended with."""

    code: int
    out: str
    err: str

    @property
    def job(self) -> dict[str, Any]:
        lines = self.out.splitlines()
        assert len(lines) == 1, f"one JSON object and nothing else: {self.out!r}"
        summary: dict[str, Any] = json.loads(lines[0])
        return summary


def command(name: str, *arguments: object, **_: object) -> Said:
    """Run it as the command line does: its exit code is that of the process."""
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command(name, *[str(each) for each in arguments], stdout=out, stderr=err)
    except CommandError as refusal:
        code = refusal.returncode
        err.write(str(refusal))
    except SystemExit as end:
        code = int(end.code or 0)
    return Said(code=code, out=out.getvalue(), err=err.getvalue())
