"""GK's customers-import API and its twin for households. Source: facts on the customer APIs."""

from __future__ import annotations

from typing import Any

from imports.messages import marked as _

# GK sends no message with a result, so the sentences here are all that an operator gets to read.
GK: dict[str, Any] = {
    "accepted": [201, 200],
    "request": {
        "envelope": "data",
        "max_records": 100,
        "max_bytes": 10_000_000,
        "empty_allowed": True,
    },
    "record": {
        "id": ["person.customerId", "organization.customerId", "customerId"],
        "username": ["person.username", "organization.username", "username"],
        "email": [
            "person.email",
            "organization.email",
            "person.emails.0.email",
            "organization.emails.0.email",
            "email",
        ],
    },
    "results": [
        {
            "at": "data",
            "holds": "all",
            "name": {
                "by": "id",
                "id": "customerId",
                "username": "username",
                "email": "email",
            },
            "success": {"path": "result", "equals": ["SUCCESS"]},
            "code": "result",
            "assigned": "customerId",
        }
    ],
    "codes": {
        "retryable": ["FAILED"],
        "permanent": ["ERROR"],
        "exists": ["CONFLICT"],
        "not_found": ["NOT_FOUND"],
    },
    "envelope": {"code": "title", "message": "detail"},
    # GK documents problems (RFC 7807), and not what became of the rest of the batch. RFC 9110
    # says of 400 that the server "cannot or will not process the request": that is all there is.
    "refusal_stored_nothing": True,
    "sentences": {
        "FAILED": _(
            "The API timed out or was out of service for this customer (FAILED): nothing was "
            "stored, and it may be sent again."
        ),
        "ERROR": _(
            "The API found this customer's data invalid (ERROR) and does not say which field. "
            "Check the required fields and lengths, then send the corrected customer."
        ),
        "CONFLICT": _(
            "A customer with this id, user name or e-mail already exists (CONFLICT). Use "
            "changeType UPDATE or UPSERT, or leave this customer out."
        ),
        "NOT_FOUND": _(
            "The API knows no customer with this id, user name or e-mail (NOT_FOUND), so there is "
            "nothing to update or delete. Use changeType CREATE or UPSERT."
        ),
    },
}

# The twin at …/households.
GK_HOUSEHOLDS: dict[str, Any] = GK | {
    "request": GK["request"] | {"envelope": "households"},
    "record": {"id": ["householdId"]},
    "results": [
        GK["results"][0]
        | {
            "at": "households",
            "name": {"by": "id", "id": "householdId"},
            "assigned": "householdId",
        }
    ],
}
