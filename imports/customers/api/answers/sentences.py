"""What is said of a customer API's answer. `{why}` is its own reason, where it gave one."""

from __future__ import annotations

from imports.messages import marked as _
from imports.messages import sentence
from imports.policy import Verdict

LOOK_UP = sentence(
    "LOOK_UP",
    _(
        "It is not known whether the customers were stored. Look them up before you send them"
        " again."
    ),
)
SAME_KEY = sentence(
    "SAME_KEY", _("It is sent again with the same key, so nothing can be stored twice.")
)
REFUSALS = {
    400: sentence(
        "REFUSALS_400",
        _("The API refused the batch as malformed (HTTP 400){why}. Correct the data, then retry."),
    ),
    403: sentence(
        "REFUSALS_403",
        _("The API refused permission (HTTP 403){why}. Check what the credential may do."),
    ),
    404: sentence(
        "REFUSALS_404",
        _("The API has nothing at this address (HTTP 404){why}. Check the API's URL."),
    ),
    405: sentence(
        "REFUSALS_405",
        _("The API takes no POST at this address (HTTP 405){why}. Check the API's URL."),
    ),
    413: sentence(
        "REFUSALS_413",
        _("The batch is too large for the API (HTTP 413){why}. Use smaller batches."),
    ),
    415: sentence(
        "REFUSALS_415",
        _("The API does not take JSON at this address (HTTP 415){why}. Check the API's URL."),
    ),
    422: sentence(
        "REFUSALS_422",
        _("The API refused the data (HTTP 422){why}. Correct the data, then retry."),
    ),
    511: sentence(
        "REFUSALS_511",
        _(
            "Something between here and the API wants a sign-in first (HTTP 511){why}: the batch "
            "did not reach the API."
        ),
    ),
}
REFUSED = sentence("REFUSED", _("The API refused the batch (HTTP {status}){why}."))
BATCH_REFUSED = sentence(
    "BATCH_REFUSED", _("The API refused the batch{why}. Correct the data, then retry.")
)
NOT_JUST_NOW = sentence(
    "NOT_JUST_NOW",
    _("The API could not take the batch just now{why}. Nothing was stored; it may be sent again."),
)
FAILED_SAFELY = sentence(
    "FAILED_SAFELY",
    _(
        "The API failed (HTTP {status}){why}. By its mapping this stored nothing, so the batch "
        "may be sent again."
    ),
)
REFUSAL_NOT_STATED = sentence(
    "REFUSAL_NOT_STATED",
    _(
        "The API's mapping does not state that a refusal stores nothing "
        "(refusal_stored_nothing), so the batch is not halved. Look its customers up."
    ),
)
REDIRECTED_AFTER = sentence(
    "REDIRECTED_AFTER",
    _(
        "The API's address answers with a redirect (HTTP {status}){why}. It is of the kind that "
        "follows a completed request. Correct the API's URL, then resume the job."
    ),
)
REDIRECTED = sentence(
    "REDIRECTED",
    _(
        "The API's address answers with a redirect (HTTP {status}){why}. It is never followed "
        "with customers' data. Correct the API's URL, then resume the job."
    ),
)
REDIRECTED_ASKED = sentence(
    "REDIRECTED_ASKED",
    _(
        "Asked for its result, the API answers with a redirect (HTTP {status}){why}. It is not "
        "followed. Correct the addresses under poll in the API's mapping, then resume the job."
    ),
)
UNAUTHORIZED = sentence(
    "UNAUTHORIZED",
    _(
        "The API refused {credential} (HTTP 401){why}. Correct it on the API's page, then resume "
        "the job."
    ),
)
UNAUTHORIZED_OTHERWISE = sentence(
    "UNAUTHORIZED_OTHERWISE",
    _(
        "The API refused {credential} (HTTP {status}){why}. Correct it on the API's page, then "
        "resume the job."
    ),
)
NOT_NOW = sentence(
    "NOT_NOW",
    _(
        "The API asked Redrive to wait (HTTP {status}){why}. The batch is sent again {wait}; "
        "this costs no attempt."
    ),
)
UNSURE = {
    408: sentence(
        "UNSURE_408", _("The API stopped waiting for the request (HTTP {status}){why}.")
    ),
    409: sentence("UNSURE_409", _("The API is still working on this batch (HTTP {status}){why}.")),
}
BROKE = sentence("BROKE", _("The API failed (HTTP {status}){why}."))
UNEXPECTED = sentence("UNEXPECTED", _("The API gave an unexpected answer (HTTP {status}){why}."))
STATUS_BELIED = sentence(
    "STATUS_BELIED",
    _(
        "By the API's mapping its HTTP status alone is proof, but the answer (HTTP {status}) "
        "says something else{why}."
    ),
)
WEB_PAGE = sentence(
    "ANSWER_IS_A_PAGE",
    _(
        "A web page came in place of the API's answer (HTTP {status}){why}. Check the API's URL "
        "and what stands in between: a login, a proxy, maintenance."
    ),
)
UNREADABLE = sentence("UNREADABLE", _("The API's answer (HTTP {status}) can't be read: {error}."))
NOT_AS_MAPPED = sentence(
    "NOT_AS_MAPPED", _("The API's answer (HTTP {status}) is not what its mapping says: {error}.")
)
SUBMITTED = sentence(
    "SUBMITTED",
    _(
        "The API took the batch on (“{name}”) and works on it. Its result is asked for until it "
        "is there; the batch is not sent again."
    ),
)
STILL_AT_WORK = sentence("STILL_AT_WORK", _("The API is still at work on the batch."))
STATE_SAID = sentence("STATE_SAID", _("The API is still working on the batch{why}."))
NOT_ASKED = sentence(
    "RESULT_NOT_GIVEN", _("The API was asked for the result of the batch, and did not give it:")
)
ASKED_AGAIN = sentence("API_ASKED_AGAIN", _("It is asked again; the batch is not sent again."))
JOB_FAILED = sentence("JOB_FAILED", _("The API broke off its work on the batch{why}."))
JOB_GONE = sentence(
    "JOB_GONE", _("The API does not know the work any more that it took on (HTTP {status}){why}.")
)
NOT_THERE_YET = sentence(
    "WORK_NOT_THERE_YET", _("The API does not know the work, perhaps not yet (HTTP 404).")
)
RESULT_OVERDUE = sentence(
    "RESULT_OVERDUE",
    _("For {hours} hours the API gave no result of the work that it took on{why}."),
)
NO_SUCH_POLL = sentence(
    "NO_SUCH_POLL",
    _(
        "The API works on this batch, but its mapping does not say any more how to ask for the "
        "result. Put the mapping back and resume."
    ),
)
LATER = sentence("LATER", _("later"))
OF_ALL = sentence("OF_ALL", _("Of {n} customers: {parts}."))
OF_WHICH = {
    Verdict.REJECTED: sentence("OF_WHICH_REJECTED", _("{n} refused")),
    Verdict.RETRY: sentence("OF_WHICH_RETRY", _("{n} not stored but may be sent again")),
    Verdict.UNKNOWN: sentence("OF_WHICH_UNKNOWN", _("{n} unconfirmed")),
    Verdict.DEFERRED: sentence("OF_WHICH_DEFERRED", _("{n} deferred")),
    Verdict.PAUSE: sentence("OF_WHICH_PAUSE", _("{n} refused for the credential")),
}
PROVES_NOTHING = sentence(
    "PROVES_NOTHING", _("The API's answer proves nothing for any customer of the batch ({code}).")
)
AFTER = sentence("AFTER", _("after {seconds} s"))
NOT_UTF_8 = sentence("NOT_UTF_8", _("it is not UTF-8"))
PACKED_OTHERWISE = sentence(
    "ANSWER_PACKED_OTHERWISE", _("it is compressed as “{how}”, which Redrive did not ask for")
)
EMPTY_BODY = sentence("EMPTY_BODY", _("it is empty"))
NO_JSON_AT = sentence("NO_JSON_AT", _("no JSON at character {at}"))
TOO_DEEP = sentence("TOO_DEEP", _("it is nested too deeply"))
HUGE_NUMBER = sentence("HUGE_NUMBER_IN_ANSWER", _("it holds a number of thousands of digits"))
NAME_TWICE = sentence("NAME_TWICE", _("one name occurs twice in an object"))
NO_JSON_NUMBER = sentence("NO_JSON_NUMBER", _("{text} is not JSON"))
NO_LIST_AT = sentence("NO_LIST_AT", _("the mapping expects a list of results at “{path}”"))
NO_LIST = sentence("NO_LIST", _("the mapping expects a list of results as its whole body"))
NO_LAST_PAGE = sentence("NO_LAST_PAGE", _("its pages of results do not come to an end"))
PAGES_DIFFER = sentence("PAGES_DIFFER", _("its pages of results have different shapes"))
OTHER_COUNT = sentence(
    "OTHER_COUNT",
    _(
        "it holds {results} results for the {customers} customers that were sent, and only "
        "their position tells them apart"
    ),
)
