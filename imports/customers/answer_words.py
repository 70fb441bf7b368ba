"""What is said of a customer API's answer. `{why}` is its own reason, where it gave one."""

from __future__ import annotations

from imports.policy import Verdict
from imports.wording import kept as _

LOOK_UP = _(
    "It cannot be told whether the customers were stored: look them up before sending them again."
)
SAME_KEY = _("It is sent again with the same key, so nothing can be stored twice.")
REFUSALS = {
    400: _(
        "The API refused the batch as malformed (HTTP 400){why}. Correct the data, then retry."
    ),
    403: _("The API refused permission (HTTP 403){why}. Check what the credential may do."),
    404: _("The API has nothing at this address (HTTP 404){why}. Check the API's URL."),
    405: _("The API takes no POST at this address (HTTP 405){why}. Check the API's URL."),
    413: _("The batch is too large for the API (HTTP 413){why}. Use smaller batches."),
    415: _("The API does not take JSON at this address (HTTP 415){why}. Check the API's URL."),
    422: _("The API refused the data (HTTP 422){why}. Correct the data, then retry."),
}
REFUSED = _("The API refused the batch (HTTP {status}){why}.")
BATCH_REFUSED = _("The API refused the batch{why}. Correct the data, then retry.")
NOT_JUST_NOW = _(
    "The API could not take the batch just now{why}. Nothing was stored; it may be sent again."
)
FAILED_SAFELY = _(
    "The API failed (HTTP {status}){why}. By its mapping this stored nothing, so the batch may be "
    "sent again."
)
REFUSAL_NOT_STATED = _(
    "That this stored nothing of the batch is not stated in the API's mapping "
    "(refusal_stored_nothing), so it is not halved: look its customers up."
)
REDIRECTED_AFTER = _(
    "The API's address answers with a redirect (HTTP {status}) as it is given after a request was "
    "carried out. Correct the API's URL, then resume the job."
)
REDIRECTED = _(
    "The API's address answers with a redirect (HTTP {status}), which is never followed with "
    "customers' data. Correct the API's URL, then resume the job."
)
UNAUTHORIZED = _(
    "The API refused {credential} (HTTP 401){why}. Correct it on the API's page, then resume the "
    "job."
)
UNAUTHORIZED_BY_CODE = _(
    "The API refused {credential} (HTTP {status}){why}. Correct it on the API's page, then resume "
    "the job."
)
NOT_NOW = _(
    "The API asks to be left alone for now (HTTP {status}){why}. The batch is sent again {wait}; "
    "this costs no attempt."
)
UNSURE = {
    408: _("The API gave up waiting for the request (HTTP {status}){why}."),
    409: _("The API is still at work on this batch (HTTP {status}){why}."),
}
BROKE = _("The API failed (HTTP {status}){why}.")
UNEXPECTED = _("The API answered what was not expected (HTTP {status}){why}.")
UNREADABLE = _("The API's answer (HTTP {status}) can't be read: {error}.")
NOT_AS_MAPPED = _("The API's answer (HTTP {status}) is not what its mapping says: {error}.")
LATER = _("later")
OF_ALL = _("Of {n} customers: {parts}.")
OF_WHICH = {
    Verdict.REJECTED: _("{n} refused"),
    Verdict.RETRY: _("{n} not stored but may be sent again"),
    Verdict.UNKNOWN: _("{n} unconfirmed"),
    Verdict.DEFERRED: _("{n} not taken for now"),
    Verdict.PAUSE: _("{n} refused for the credential"),
}
PROVES_NOTHING = _("The API's answer proves nothing for any customer of the batch ({code}).")
