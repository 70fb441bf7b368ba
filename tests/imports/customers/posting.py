"""Posting one batch of two customers in one line, for the tests over real sockets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imports.customers.api.auth import Auth, no_auth
from imports.customers.api.client import Client, Endpoint
from imports.customers.api.mapping import RecordKey, preset
from tests.imports.customers.scripted_server import answer, drips, reply

if TYPE_CHECKING:
    from imports.policy import Outcome

KEYS = (RecordKey("1"), RecordKey("2"))
BODY = b'{"data": [{"person": {"customerId": "1"}}, {"person": {"customerId": "2"}}]}'
STORED = {"data": [{"customerId": i, "result": "SUCCESS"} for i in ("2", "1")]}
GOOD = reply(201, STORED)
PATIENT = 60.0  # seconds that no answer here takes
SOON = 1.0  # a deadline that passes; all before it fits in, on a busy machine too

HEAD = b"HTTP/1.1 201 Created\r\nContent-Length: 5000\r\n\r\n"
DRIPS = {
    "headers": drips(answer(201, STORED, x="y" * 400)),
    "body": drips(answer(201, {**STORED, "x": "y" * 400}), first=40),
    "chunks": drips(
        b"HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n{\r\n" * 80, first=46
    ),
    "body until the end": drips(
        b"HTTP/1.0 201 X\r\n\r\n" + json.dumps(STORED).encode() * 9, first=18
    ),
}


def client(url: str, auth: Auth | None = None, **options: Any) -> Client:
    timing = {name: options.pop(name, PATIENT) for name in ("timeout", "deadline")}
    rules = options.pop("rules", None)
    pool = options.pop("pool_size", 1)
    allow = options.pop("allow_private", True)
    mapping = options.pop("mapping", preset("gk"))
    endpoint = Endpoint(url, mapping, **options)
    return Client(
        endpoint, auth or no_auth(), **timing, pool_size=pool, allow_private=allow, rules=rules
    )


def posted(url: str, auth: Auth | None = None, **options: Any) -> Outcome:
    with client(url, auth, **options) as one:
        return one.post(BODY, "key-1", KEYS)
