"""The mappings of other vendors' APIs, each by its documentation: CRM systems, then commerce."""

from __future__ import annotations

from typing import Any

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
            "assigned": "id",
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
            "assigned": "id",
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

# The same records by the Bulk API 2.0, which no mapping can describe: CSV up, CSV back.
SALESFORCE_BULK: dict[str, Any] = {
    "accepted": [200, 201, 204],
    # A job that is not closed processes nothing, and what it processes is listed record by record.
    "refusal_stored_nothing": True,
    "adapter": "salesforce-bulk",
    "adapter_options": {"object": "Contact", "operation": "insert"},
    "request": {"envelope": "records", "max_records": 10_000, "max_bytes": 8_000_000},
    "record": {"id": ["External_Id__c", "Id"], "email": ["Email"]},
    "codes": {
        "retryable": ["UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"],
        "not_now": ["REQUEST_LIMIT_EXCEEDED"],
        "credential": ["INVALID_SESSION_ID"],
        "permanent": ["REQUIRED_FIELD_MISSING", "FIELD_CUSTOM_VALIDATION_EXCEPTION"],
        "exists": ["DUPLICATE_VALUE", "DUPLICATES_DETECTED", "DUPLICATE_EXTERNAL_ID"],
        "not_found": ["NOT_FOUND", "ENTITY_IS_DELETED"],
    },
    "envelope": {"code": "0.errorCode", "message": "0.message"},
}

# "Sync Leads" answers 200 even for a token that has ended; each lead has its status, in the order
# of the request. 601 and 602: the token; 606, 607, 615: rates and quotas.
MARKETO: dict[str, Any] = {
    "accepted": [200],
    "refusal_stored_nothing": False,  # a time-out (604) is answered in the same form
    "request": {
        "envelope": "input",
        "constants": {"action": "createOrUpdate", "lookupField": "email"},
        "max_records": 300,
        "max_bytes": 1_000_000,
    },
    "record": {"id": ["id"], "email": ["email"]},
    "results": [
        {
            "at": "result",
            "holds": "all",
            "name": {"by": "position"},
            "success": {
                "path": "status",
                "equals": ["created", "updated"],
                "empty": "reasons",
            },
            "failure": {"path": "status", "equals": ["skipped"]},
            "code": "reasons.0.code",
            "message": "reasons.0.message",
            "assigned": "id",
        }
    ],
    "codes": {
        "credential": ["601", "602"],
        "not_now": ["606", "607", "615"],
        "exists": ["1005"],
        "not_found": ["1003", "1004"],
        "permanent": ["1001", "1002", "1006", "1007", "1008"],
    },
    "envelope": {
        "when": {"path": "success", "equals": [False]},
        "code": "errors.0.code",
        "message": "errors.0.message",
    },
}

# `create_or_update_many` works in the background. Zendesk's makers state that the results are in
# the order of the request and that a status is one of these three.
ZENDESK: dict[str, Any] = {
    "accepted": [200, 201, 202],
    # A request that is not taken on makes no job.
    "refusal_stored_nothing": True,
    "request": {"envelope": "users", "max_records": 100, "max_bytes": 1_000_000},
    "record": {"id": ["external_id", "id"], "email": ["email"]},
    "results": [
        {
            "at": "job_status.results",
            "holds": "all",
            "name": {"by": "position"},
            "success": {"path": "status", "equals": ["Created", "Updated"], "empty": "error"},
            "failure": {"path": "status", "equals": ["Failed"]},
            "code": "error",
            "message": "details",
            "assigned": "id",
        }
    ],
    "poll": {
        "job": "job_status.id",
        "url": "/api/v2/job_statuses/{job}.json",
        "done": {"path": "job_status.status", "equals": ["completed"]},
        "failed": {"path": "job_status.status", "equals": ["failed", "killed"]},
        "every_seconds": 5,
    },
    "codes": {"not_now": ["TooManyJobs", "JobTooManyRequests"]},
    "envelope": {"code": "error", "message": "description"},
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
