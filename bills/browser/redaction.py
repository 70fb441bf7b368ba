"""Takes secrets out of the files that are kept of an attempt. See `imports.http.redaction`."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

from imports.http.redaction import (
    HIDDEN,
    holds_secret,
    scrub,
    scrub_bytes,
    scrub_cut,
    storable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = (
    "HIDDEN", "holds_secret", "scrub", "scrub_bytes", "scrub_cut", "scrub_zip", "storable",
)  # fmt: skip

PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"wOF2", b"wOFF", b"RIFF")


OPENS_A_SESSION = ("cookie", "set-cookie", "authorization")


def without_cookies(content: bytes) -> bytes:
    """The lines of a trace's network log without what opens a session."""
    lines = [_line_without_cookies(line) for line in content.splitlines(keepends=True)]
    return b"".join(lines)


def _line_without_cookies(line: bytes) -> bytes:
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    return json.dumps(_hidden(entry)).encode() + b"\n"


def _hidden(part: Any) -> Any:
    if isinstance(part, list):
        return [_hidden(each) for each in part]
    if not isinstance(part, dict):
        return part
    if str(part.get("name", "")).lower() in OPENS_A_SESSION and "value" in part:
        return part | {"value": HIDDEN}
    return {name: [] if name == "cookies" else _hidden(value) for name, value in part.items()}


def scrub_zip(source: Path, target: Path, secrets: Iterable[str]) -> None:
    """Copy a zip with every member scrubbed, names too. Pictures are copied as they are."""
    wanted = tuple(secrets)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".network"):
                content = without_cookies(content)
            if not content.startswith(PICTURES):
                content = scrub_bytes(content, wanted)
            new.writestr(scrub(name, wanted), content)
