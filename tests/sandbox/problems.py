"""JSON answers, and the RFC 7807 problems that the GK API answers refusals with."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

import msgspec

from tests.sandbox.web import Reply

encode = msgspec.json.Encoder().encode


def json_reply(
    content: object, status: int = 200, headers: list[tuple[str, str]] | None = None
) -> Reply:
    return Reply(status, encode(content), headers=headers or [])


def problem(
    status: int, detail: str, path: str, headers: list[tuple[str, str]] | None = None
) -> Reply:
    """{"type","title","status","detail","instance","timestamp"}, as customer-apis.md has it."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    return Reply(status, encode(content), "application/problem+json", headers or [])
