"""Takes secrets out of the files that are kept of an attempt. See `imports.http.redaction`."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

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


def scrub_zip(source: Path, target: Path, secrets: Iterable[str]) -> None:
    """Copy a zip with every member scrubbed, names too. Pictures are copied as they are."""
    wanted = tuple(secrets)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if not content.startswith(PICTURES):
                content = scrub_bytes(content, wanted)
            new.writestr(scrub(name, wanted), content)
