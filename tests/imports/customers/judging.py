"""Judging an answer in one line, for the tests of answers and of their entries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imports.customers.api.mapping import Mapping, RecordKey, preset
from imports.customers.api.responses import Answer, Exchange, judge

if TYPE_CHECKING:
    from imports.policy import Outcome

NOW = 1_750_000_000.0  # Sun, 15 Jun 2025 15:06:40 GMT
TWO = (RecordKey("1"), RecordKey("2"))


def judged(
    status: int,
    body: Any = b"",
    *,
    mapping: str | Mapping = "gk",
    keys: tuple[RecordKey, ...] = TWO,
    headers: dict[str, str] | None = None,
    repeatable: bool = False,
    secrets: tuple[str, ...] = (),
) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    api = preset(mapping) if isinstance(mapping, str) else mapping
    sent = Exchange(api, keys, repeatable, secrets, "the bearer token", NOW)
    return judge(Answer(status, headers or {}, raw), sent)


def gk(*results: tuple[str, str]) -> dict[str, Any]:
    return {"data": [{"customerId": i, "changeType": "CREATE", "result": r} for i, r in results]}


def verdicts(outcome: Outcome) -> list[tuple[str, str]]:
    return [(record.verdict.value, record.code) for record in outcome.records]


def custom(**parts: Any) -> Mapping:
    """A mapping as an operator writes it."""
    base = {"accepted": [200], "record": {"id": ["id"]}}
    return Mapping.from_document({**base, **parts})
