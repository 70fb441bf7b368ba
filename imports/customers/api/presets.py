"""The mappings and speeds that Redrive ships. Each is tested on its documented answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imports.customers.api.vendor_presets import (
    BLOOMREACH,
    BRAZE,
    HUBSPOT,
    KLAVIYO,
    MAILCHIMP,
    MARKETO,
    SALESFORCE,
    SALESFORCE_BULK,
    SHOPIFY,
    SQUARE,
    ZENDESK,
)
from imports.messages import Message, sentence
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


@dataclass(frozen=True, slots=True)
class Speed:
    """How hard an API is pressed: records a batch, batches at once, seconds between requests."""

    batch_size: int
    concurrency: int
    delay_seconds: float
    max_attempts: int


SPEEDS: dict[str, Speed] = {
    "conservative": Speed(batch_size=50, concurrency=2, delay_seconds=1.0, max_attempts=5),
    "balanced": Speed(batch_size=70, concurrency=3, delay_seconds=0.5, max_attempts=3),
    "aggressive": Speed(batch_size=100, concurrency=5, delay_seconds=0.2, max_attempts=2),
}

# An API that has no preset: nothing of another API's habits. Its own mapping says what differs.
PLAIN: dict[str, Any] = {
    "accepted": [200, 201],
    "request": {"envelope": "data", "max_records": 100, "max_bytes": 1_000_000},
    "record": {"id": ["id"], "email": ["email"]},
    "results": [
        {
            "at": "results",
            "holds": "all",
            "name": {"by": "id", "id": "id", "email": "email"},
            "success": {"path": "success", "equals": [True]},
            "code": "code",
            "message": "message",
        }
    ],
}

PRESETS: dict[str, dict[str, Any]] = {
    "gk": GK,
    "gk-households": GK_HOUSEHOLDS,
    "plain": PLAIN,
    "hubspot": HUBSPOT,
    "salesforce-collections": SALESFORCE,
    "salesforce-bulk": SALESFORCE_BULK,
    "marketo": MARKETO,
    "zendesk": ZENDESK,
    "bloomreach": BLOOMREACH,
    "braze": BRAZE,
    "mailchimp": MAILCHIMP,
    "klaviyo": KLAVIYO,
    "shopify": SHOPIFY,
    "square": SQUARE,
}

# The sentences above as messages, by their text: an operator's own mapping may say others.
OF_PRESETS: dict[str, Message] = {
    text: sentence(f"GK_{code}", text)
    for mapping in (GK,)
    for code, text in mapping.get("sentences", {}).items()
}
