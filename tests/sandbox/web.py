"""The few words that the sandbox's server and its sites share: a request, a reply, a site."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole. Header names are lower-case; `query` keeps the last value."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def cookies(self) -> dict[str, str]:
        pairs = (part.split("=", 1) for part in self.headers.get("cookie", "").split("; "))
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


@dataclass(slots=True)
class Reply:
    """What goes back. The last fields are faults of the wire, not of the application."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)
    delay_seconds: float = 0.0  # before the first byte of the answer
    drip_seconds: float = 0.0  # between single bytes of the answer's body
    reset: bool = False  # no answer: the connection is reset (RST)
    cut_after: int | None = None  # close after so many bytes of the body, whatever was promised


class Site(Protocol):
    """One application of the sandbox. Called from many threads at once."""

    prefix: str  # "/api" or "/portal": its share of the address space

    def handle(self, request: Request) -> Reply: ...
