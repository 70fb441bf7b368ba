"""Shops and tills: Shopify and Square, each by its own documentation."""

from __future__ import annotations

from typing import Any

_CUSTOMER_CREATE = (
    "mutation customerCreate($input: CustomerInput!) { customerCreate(input: $input) "
    "{ customer { id } userErrors { field message } } }"
)
# GraphQL: one customer for each request; errors that are about it come with status 200.
SHOPIFY: dict[str, Any] = {
    "accepted": [200],
    "refusal_stored_nothing": False,
    "request": {
        "shape": "one",
        "list": "variables.input",
        "constants": {"query": _CUSTOMER_CREATE},
        "max_records": 1,
        "max_bytes": 1_000_000,
    },
    "record": {"id": ["id"], "email": ["email"]},
    "results": [
        {
            "at": "data.customerCreate",
            "shape": "one",
            "holds": "all",
            "name": {"by": "position"},
            "success": {"path": "customer.id", "present": True, "empty": "userErrors"},
            "failure": {"path": "userErrors", "present": True},
            "message": "userErrors.0.message",
            "assigned": "customer.id",
        }
    ],
    "codes": {"not_now": ["THROTTLED"]},
    "envelope": {
        "when": {"path": "errors", "present": True},
        "code": "errors.0.extensions.code",
        "message": "errors.0.message",
    },
}

# "Bulk create customers": a map whose keys are idempotency keys, answered by the same keys.
SQUARE: dict[str, Any] = {
    "accepted": [200],
    "refusal_stored_nothing": True,  # "top-level errors that prevented the bulk operation"
    "request": {
        "envelope": "customers",
        "shape": "map",
        "map_key": "record_key",
        "idempotent": True,
        "max_records": 100,
        "max_bytes": 1_000_000,
    },
    "record": {"id": ["reference_id"], "email": ["email_address"]},
    "results": [
        {
            "at": "responses",
            "holds": "all",
            "name": {"by": "key", "template": "{record_key}"},
            "success": {"path": "customer.id", "present": True, "empty": "errors"},
            "failure": {"path": "errors", "present": True},
            "code": "errors.0.code",
            "message": "errors.0.detail",
            "assigned": "customer.id",
        }
    ],
    "codes": {
        "not_now": ["RATE_LIMITED"],
        "credential": ["UNAUTHORIZED", "ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_REVOKED"],
        "not_found": ["NOT_FOUND"],
    },
    "envelope": {
        "when": {"path": "errors", "present": True},
        "code": "errors.0.code",
        "message": "errors.0.detail",
    },
}
