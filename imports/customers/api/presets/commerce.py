"""Marketing systems, shops and tills, each by its own documentation.

Bloomreach, Braze, Mailchimp, Klaviyo, Shopify and Square.
"""

from __future__ import annotations

from typing import Any

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

# Errors that are not fatal name a record by its place in the list; all others are processed, as
# many as the count says.
BRAZE: dict[str, Any] = {
    "accepted": [200, 201],
    "refusal_stored_nothing": False,
    "request": {"envelope": "attributes", "max_records": 75, "max_bytes": 4_000_000},
    "record": {"id": ["external_id", "braze_id"], "email": ["email"]},
    "results": [
        {
            "at": "errors",
            "holds": "failures",
            "required": False,
            "name": {"by": "index", "path": "index"},
            "message": "type",
        }
    ],
    "rest": {
        "when": {"path": "message", "equals": ["success"]},
        "stored": "attributes_processed",
    },
    "envelope": {"message": "message"},
}

# "Batch subscribe or unsubscribe": two lists of members that are stored, one of the others.
MAILCHIMP: dict[str, Any] = {
    "accepted": [200],
    "refusal_stored_nothing": False,
    "request": {
        "envelope": "members",
        "constants": {"update_existing": True},
        "max_records": 500,
        "max_bytes": 5_000_000,
    },
    "record": {"email": ["email_address"]},
    "results": [
        {
            "at": "new_members",
            "holds": "successes",
            "name": {"by": "id", "email": "email_address"},
            "assigned": "id",
        },
        {
            "at": "updated_members",
            "holds": "successes",
            "name": {"by": "id", "email": "email_address"},
            "assigned": "id",
        },
        {
            "at": "errors",
            "holds": "failures",
            "name": {"by": "id", "email": "email_address"},
            "code": "error_code",
            "message": "error",
        },
    ],
    "rest": {"failed": "error_count"},
    "codes": {"exists": ["ERROR_CONTACT_EXISTS"], "permanent": ["ERROR_GENERIC"]},
    "envelope": {"code": "title", "message": "detail"},
}

# A bulk profile import job. Its errors name a profile by a pointer into the request; that all
# others are stored is proven by the job's own count of failures.
_KLAVIYO_POINTER = {
    "by": "pointer",
    "path": "attributes.source.pointer",
    "template": "/data/attributes/profiles/data/{index}",
}
KLAVIYO: dict[str, Any] = {
    "accepted": [202],
    "refusal_stored_nothing": True,  # a request that is not accepted makes no job
    "request": {
        "list": "data.attributes.profiles.data",
        "constants": {"data": {"type": "profile-bulk-import-job"}},
        "wrap": {"type": "profile", "attributes": "{record}"},
        "content_type": "application/vnd.api+json",
        "headers": {"revision": "2025-01-15"},
        "max_records": 10_000,
        "max_bytes": 5_000_000,
    },
    "record": {"id": ["external_id"], "email": ["email"]},
    "results": [
        {
            "at": "data",
            "holds": "failures",
            "name": _KLAVIYO_POINTER,
            "code": "attributes.code",
            "message": "attributes.detail",
        }
    ],
    "rest": {
        "when": {"path": "@job.data.attributes.status", "equals": ["complete"]},
        "failed": "@job.data.attributes.failed_count",
    },
    "poll": {
        "job": "data.id",
        "url": "/api/profile-bulk-import-jobs/{job}",
        "done": {"path": "data.attributes.status", "equals": ["complete"]},
        "failed": {"path": "data.attributes.status", "equals": ["cancelled"]},
        "results_url": "/api/profile-bulk-import-jobs/{job}/import-errors",
        "next": "links.next",
        "every_seconds": 5,
    },
    "answers": [
        {
            "on": [400],
            "results": [
                {
                    "at": "errors",
                    "holds": "failures",
                    "name": _KLAVIYO_POINTER | {"path": "source.pointer"},
                    "code": "code",
                    "message": "detail",
                }
            ],
        }
    ],
    "codes": {"not_now": ["throttled"], "credential": ["not_authenticated"]},
    "envelope": {"code": "errors.0.code", "message": "errors.0.detail"},
}


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
