"""Where a ZIP is written that is sent while it is being made."""

from __future__ import annotations

import io
from typing import Any


class Pipe(io.RawIOBase):
    """What a ZIP is written into, and taken out of again piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0  # bytes that wait to be taken

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def taken(self) -> bytes:
        """What has been written since the last time."""
        piece = b"".join(self._pieces)
        self._pieces.clear()
        self.size = 0
        return piece
