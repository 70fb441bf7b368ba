"""The mappings and speeds that Redrive ships, as data. Source: facts on the four customer APIs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imports.messages import Message, sentence
from imports.messages import marked as _


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

# A failure names its input by the trace id that was sent with it. Whatever is not among the
# errors is among the results, which carry no trace id: there, e-mail or the count is the proof.
HUBSPOT: dict[str, Any] = {
    "accepted": [200, 201, 207],
    # "Any errors with a single contact in your batch will prevent the entire batch from
    # processing" (HubSpot's documentation of batches, on 400).
    "refusal_stored_nothing": True,
    "splittable": [400, 409, 413, 422],
    "request": {
        "envelope": "inputs",
        "max_records": 100,
        "max_bytes": 3_000_000,
        "trace_field": "objectWriteTraceId",
    },
    "record": {"id": ["id"], "email": ["properties.email"]},
    "results": [
        {
            "at": "results",
            "holds": "successes",
            "count_is_proof": True,
            "name": {"by": "id", "id": "id", "email": "properties.email"},
        },
        {
            "at": "errors",
            "holds": "failures",
            "required": False,
            "name": {"by": "trace", "path": "context.objectWriteTraceId"},
            "code": "category",
            "message": "message",
        },
    ],
    "rest": {"failed": "numErrors"},
    "codes": {
        "not_now": ["RATE_LIMITS"],
        "permanent": ["VALIDATION_ERROR"],
        "exists": ["CONFLICT"],
        "not_found": ["OBJECT_NOT_FOUND"],
    },
    "envelope": {
        "when": {"path": "status", "equals": ["error"]},
        "code": "category",
        "message": "message",
    },
}

# The order of the answer is documented to be the order of the request.
SALESFORCE: dict[str, Any] = {
    "accepted": [200],
    # "If the request isn't well formed, the API returns a 400"; all others are answered with 200
    # and a result for each record (Salesforce's documentation of sObject Collections).
    "refusal_stored_nothing": True,
    "request": {
        "envelope": "records",
        "constants": {"allOrNone": False},
        "max_records": 200,
        "max_bytes": 6_000_000,
    },
    "record": {"id": ["id", "Id"], "email": ["Email", "PersonEmail"]},
    "results": [
        {
            "at": "",
            "holds": "all",
            "name": {"by": "position"},
            "success": {"path": "success", "equals": [True], "empty": "errors"},
            "failure": {"path": "success", "equals": [False]},
            "code": "errors.0.statusCode",
            "message": "errors.0.message",
        }
    ],
    "codes": {
        "retryable": ["UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"],
        "not_now": ["REQUEST_LIMIT_EXCEEDED"],
        "credential": ["INVALID_SESSION_ID"],
        "permanent": ["REQUIRED_FIELD_MISSING", "FIELD_CUSTOM_VALIDATION_EXCEPTION"],
        "exists": ["DUPLICATE_VALUE", "DUPLICATES_DETECTED", "DUPLICATE_EXTERNAL_ID"],
        "not_found": ["NOT_FOUND", "ENTITY_IS_DELETED"],
        "rolled_back": ["ALL_OR_NONE_OPERATION_ROLLED_BACK"],
    },
    "envelope": {"code": "0.errorCode", "message": "0.message"},
}

# `success` at the top is true even when records failed, so only its `false` means anything.
BLOOMREACH: dict[str, Any] = {
    "accepted": [200],
    "request": {"envelope": "commands", "max_records": 50, "max_bytes": 1_000_000},
    "record": {
        "id": ["data.customer_ids.registered", "data.customer_ids.cookie"],
        "email": ["data.properties.email"],
    },
    "results": [
        {
            "at": "results",
            "holds": "all",
            "name": {"by": "position"},
            "success": {"path": "success", "equals": [True], "empty": "errors"},
            "failure": {"path": "success", "equals": [False]},
            "message": "errors.0",
        }
    ],
    "envelope": {"when": {"path": "success", "equals": [False]}, "message": "errors.0"},
}

PRESETS: dict[str, dict[str, Any]] = {
    "gk": GK,
    "plain": PLAIN,
    "hubspot": HUBSPOT,
    "salesforce-collections": SALESFORCE,
    "bloomreach": BLOOMREACH,
}

# The sentences above as messages, by their text: an operator's own mapping may say others.
OF_PRESETS: dict[str, Message] = {
    text: sentence(f"{preset.upper()}_{code}", text)
    for preset, mapping in PRESETS.items()
    for code, text in mapping.get("sentences", {}).items()
}
