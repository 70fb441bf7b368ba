"""The API's own code for a whole batch: where it stands, and what the mapping says it means. Pure.

A code of a single record stands in the entry about it, which `record_results` reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from imports.customers.api.json_paths import as_name, find

if TYPE_CHECKING:
    from imports.customers.api.mapping import Mapping
    from imports.customers.api.responses import Answer

WHOLE_BATCH_GROUPS = ("not_now", "credential")
RETRYABLE = ("retryable", "rolled_back", *WHOLE_BATCH_GROUPS)
OF_RECORDS = ("permanent", "exists", "not_found")
# Where an API's code for the whole batch stands, if its mapping does not say. Only what the
# mapping lists is ever taken for one.
USUAL_CODES = (
    *("code", "errorCode", "error_code", "error.code", "error.errorCode", "error.error_code"),
    *("error.status", "error", "0.errorCode", "errors.0.code", "errors.0.errorCode"),
    *("errors.0.error_code", "errors.0.extensions.code", "type", "title"),
)
# Other words stand there, too, which a mapping may list for single records: "FAILED", "ERROR".
# So only what is always about the whole batch is looked for in these places.
LESS_USUAL = (
    *("status", "reason", "message", "errorcode", "error.type", "error.reason"),
    *("error.errors.0.reason", "errors.0", "errors.0.reason", "errors.0.status", "0.code"),
    *("fault.code", "fault.detail.errorcode", "meta.code", "status.code", "result.code", "__type"),
)
PLAIN_CODE = re.compile(r"[A-Za-z0-9_ .:-]+")  # JSON has no other way to write it that is in use
# RFC 6750, section 3.1: the token has ended, was revoked, or is not one.
DEAD_TOKEN = "invalid_token"  # noqa: S105 - the name of an error
_DEAD_TOKEN = re.compile(rf'\berror\s*=\s*"?{DEAD_TOKEN}\b', re.IGNORECASE)
# What some servers answer in place of 401: Laravel, IIS, and Esri's.
UNAUTHORIZED = {401, 419, 440, 498}


def may_be_coded(body: bytes, mapping: Mapping) -> bool:
    """Whether it is worth a second look: nearly all answers are good ones, and long.

    JSON may write "/", quotes and letters beyond ASCII in other bytes than the code has.
    """
    codes = (*mapping.codes.not_now, *mapping.codes.credential)
    texts = map(str, codes)
    return any(not PLAIN_CODE.fullmatch(code) or code.encode() in body for code in texts)


def own_code(document: Any, mapping: Mapping) -> tuple[str, str]:
    """The API's code for the whole batch and the group that lists it; ("", "") without one."""
    own = mapping.envelope.code
    if not own:
        return _usual_code(document, mapping)
    if code := as_name(find(document, own)):
        group = mapping.group_by_code.get(code, "")
        return (code, group) if group else ("", "")
    # A gateway in front of the API has its own form. It does not know of single customers.
    code, group = _usual_code(document, mapping)
    return (code, group) if group in WHOLE_BATCH_GROUPS else ("", "")


def _usual_code(document: Any, mapping: Mapping) -> tuple[str, str]:
    groups = mapping.group_by_code
    for places, counts in ((USUAL_CODES, groups.values()), (LESS_USUAL, WHOLE_BATCH_GROUPS)):
        for place in places:
            code = as_name(find(document, place))
            if code and groups.get(code) in counts:
                return code, groups[code]
    return "", ""


def refuses_credential(answer: Answer, document: Any) -> bool:
    """Whether a refusal is about the credential by its status, its header or its error code."""
    if answer.status in UNAUTHORIZED:
        return True
    if not 400 <= answer.status <= 499:
        return False
    challenge = answer.headers.get("www-authenticate", "")
    said = (as_name(find(document, path)) for path in ("error", "error.code", "code"))
    return _DEAD_TOKEN.search(challenge) is not None or DEAD_TOKEN in said
