"""What a fault does to an answer: refuses instead of it, or spoils it."""

from __future__ import annotations

import time
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import msgspec

from tests.sandbox.problems import encode, problem
from tests.sandbox.web import Reply

if TYPE_CHECKING:
    from tests.sandbox.faults import Rule
    from tests.sandbox.gk_records import Record

HTML_PAGE = b"<!doctype html><title>Gateway</title><h1>We are improving our service</h1>"


def refuse(rule: Rule, path: str) -> Reply:
    """The answer to a request of which nothing was stored."""
    fault = rule.fault
    if fault.status is None:
        return Reply(reset=True)
    headers: list[tuple[str, str]] = []
    if fault.status == 401:
        headers.append(("WWW-Authenticate", 'Bearer error="invalid_token"'))
    elif fault.name == "http_429_date":
        headers.append(("Retry-After", formatdate(time.time() + rule.seconds, usegmt=True)))
    elif fault.status in (429, 503):
        headers.append(("Retry-After", f"{rule.seconds:g}"))
    elif fault.status == 307:
        headers.append(("Location", rule.order.location or path))
    return problem(fault.status, f"Ordered from the sandbox: {fault.what}.", path, headers)


def spoil(rule: Rule, reply: Reply, path: str) -> Reply:
    """The answer to a request that was carried out, gone wrong on its way back."""
    match rule.fault.name:
        case "http_500_after_effect":
            return problem(500, "Ordered from the sandbox: stored all the same.", path)
        case "reset_after_effect":
            return replace(reply, reset=True)
        case "early_close":
            given = rule.order.bytes
            return replace(reply, cut_after=len(reply.body) // 2 if given is None else given)
        case "slow_after_effect":
            return replace(reply, delay_seconds=rule.seconds)
        case "drip":
            return replace(reply, drip_seconds=rule.seconds)
        case "unreadable_2xx":
            return replace(reply, body=HTML_PAGE, content_type="text/html")
        case "empty_2xx":
            return replace(reply, body=b"")
    return reply


def spoil_entries(rule: Rule, reply: Reply, envelope: str, records: list[Record]) -> Reply:
    """Leave out, or answer twice, the entries of these records."""
    echoes = [without_result(msgspec.to_builtins(record.entry)) for record in records]
    times = 0 if rule.fault.name == "missing_entry" else 2
    spoiled: list[dict[str, Any]] = []
    for entry in msgspec.json.decode(reply.body)[envelope]:
        spoiled += [entry] * (times if without_result(entry) in echoes else 1)
    return replace(reply, body=encode({envelope: spoiled}))


def without_result(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "result"}
