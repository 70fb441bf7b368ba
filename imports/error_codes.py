"""Every code that a record, an attempt or a pause can carry: who must act, and what follows.

Codes that an API makes up itself (its own, in upper case) are not listed: `about` returns None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise


class Actor(models.TextChoices):
    """Who must act before the next try can go better."""

    OPERATOR = "operator", _("You")
    ADMIN = "us", _("Whoever runs Redrive")
    API = "api", _("Whoever runs the API")
    PORTAL = "portal", _("The portal")


class Next(models.TextChoices):
    """What Redrive does next by itself."""

    RETRIED = "retried", _("It is tried again, as often as the settings allow.")
    LATER = "later", _("It is sent again later by itself; this costs no attempt.")
    STOPPED = "stopped", _("It is not tried again until somebody does.")
    UNKNOWN = "unknown", _("It may have arrived: it is not sent again until somebody decides.")
    LEFT_OUT = "left_out", _("It is not sent.")
    PAUSED = "paused", _("The job waits until somebody resumes it.")


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """What one code means."""

    actor: Actor
    next: Next
    sentence: _StrOrPromise
    remedy: _StrOrPromise

    @property
    def who(self) -> str:
        """Who must act, in the reader's language."""
        return str(self.actor.label)


YOU, ADMIN, API = Actor.OPERATOR, Actor.ADMIN, Actor.API
RETRIED, LATER, STOPPED, UNKNOWN, LEFT_OUT, PAUSED = Next
CORRECT = _("Correct the data: “Fix and send again” for one, a corrected retry file for many.")
LOOK_UP = _("Look in the API whether they arrived, then decide about them here.")
NOT_UP = _("Nothing was sent. Retry when the API can be reached.")
WRONG_URL = _("The API’s URL is wrong. Correct it, then retry.")
OVERLOADED = _("The API was overloaded. Retry later, with fewer at once.")
RESUME = _("Put it right, then resume the job.")
CORRECT_FILE = _("Correct the record in the file, then add the file again.")
PROXY = _("Correct EGRESS_PROXY, or allow the API’s host at the proxy, then resume or retry.")
INSIST = _("Nothing to do, unless they are to be sent all the same: then insist.")

ERROR_CODES: dict[str, ErrorCode] = {
    # What the API answered
    "HTTP_400": ErrorCode(YOU, STOPPED, _("The API calls the request malformed."), CORRECT),
    "HTTP_401": ErrorCode(YOU, PAUSED, _("The API refused the credential."), RESUME),
    "HTTP_403": ErrorCode(
        API,
        STOPPED,
        _("The API refused permission."),
        _("The credential lacks a right. Ask for it, then retry."),
    ),
    "HTTP_404": ErrorCode(YOU, STOPPED, _("The API has nothing at this address."), WRONG_URL),
    "HTTP_405": ErrorCode(YOU, STOPPED, _("The API takes no POST at this address."), WRONG_URL),
    "HTTP_408": ErrorCode(API, UNKNOWN, _("The API gave up waiting for the request."), LOOK_UP),
    "HTTP_409": ErrorCode(API, UNKNOWN, _("The API reports a conflict."), LOOK_UP),
    "HTTP_413": ErrorCode(
        YOU,
        STOPPED,
        _("The batch is too large for the API."),
        _("Give the API smaller batches, then import the retry files."),
    ),
    "HTTP_415": ErrorCode(YOU, STOPPED, _("The API does not take JSON here."), WRONG_URL),
    "HTTP_422": ErrorCode(YOU, STOPPED, _("The API refused the data."), CORRECT),
    "HTTP_425": ErrorCode(API, LATER, _("The API asks to come later."), OVERLOADED),
    "HTTP_429": ErrorCode(API, LATER, _("The API was asked too often."), OVERLOADED),
    "HTTP_500": ErrorCode(
        API,
        UNKNOWN,
        _("The API itself failed."),
        _("The API itself failed. Retry when it is well again."),
    ),
    "HTTP_502": ErrorCode(API, UNKNOWN, _("The API’s gateway failed."), OVERLOADED),
    "HTTP_503": ErrorCode(API, LATER, _("The API is not available."), OVERLOADED),
    "HTTP_504": ErrorCode(API, UNKNOWN, _("The API’s gateway did not wait."), OVERLOADED),
    "FAILED": ErrorCode(
        API,
        RETRIED,
        _("The API could not take the customer just now."),
        _("Nothing was stored. Retry, later or with fewer at once."),
    ),
    "ERROR": ErrorCode(YOU, STOPPED, _("The API found the data invalid."), CORRECT),
    "REJECTED": ErrorCode(YOU, STOPPED, _("The API refused the customer."), CORRECT),
    "BATCH_REFUSED": ErrorCode(YOU, STOPPED, _("The API refused the batch."), CORRECT),
    "SOME_FAILED": ErrorCode(
        YOU, STOPPED, _("Some customers of the batch failed."), _("Each of them says why.")
    ),
    "CONFLICT": ErrorCode(
        YOU,
        STOPPED,
        _("The customer exists already."),
        _("The customer exists. Make it an update, or exclude it."),
    ),
    "NOT_FOUND": ErrorCode(
        YOU,
        STOPPED,
        _("The API knows no such customer."),
        _("There is no such customer. Make it a creation, or exclude it."),
    ),
    "ROLLED_BACK": ErrorCode(
        YOU,
        RETRIED,
        _("Another customer of the batch was refused, so nothing of it was stored."),
        _("Nothing to do: it is sent again without the others."),
    ),
    # No answer, or none that proves anything
    "DNS_FAILED": ErrorCode(
        YOU,
        RETRIED,
        _("The API’s name could not be resolved."),
        _("Check the host in the API’s URL, then retry."),
    ),
    "CONNECTION_REFUSED": ErrorCode(API, RETRIED, _("The API refused the connection."), NOT_UP),
    "CONNECT_TIMEOUT": ErrorCode(API, RETRIED, _("The API took no connection in time."), NOT_UP),
    "CONNECT_FAILED": ErrorCode(API, RETRIED, _("The API could not be reached."), NOT_UP),
    "TLS_FAILED": ErrorCode(API, RETRIED, _("No secure connection could be made."), NOT_UP),
    "TIMEOUT": ErrorCode(API, UNKNOWN, _("The answer did not come in time."), LOOK_UP),
    "CONNECTION_LOST": ErrorCode(API, UNKNOWN, _("The API hung up without an answer."), LOOK_UP),
    "ANSWER_CUT_SHORT": ErrorCode(API, UNKNOWN, _("The answer broke off."), LOOK_UP),
    "ANSWER_UNREADABLE": ErrorCode(API, UNKNOWN, _("The answer cannot be read."), LOOK_UP),
    "ANSWER_TOO_LARGE": ErrorCode(API, UNKNOWN, _("The answer is too large."), LOOK_UP),
    "NOT_IN_ANSWER": ErrorCode(API, UNKNOWN, _("The answer leaves the customer out."), LOOK_UP),
    "DOUBLED_IN_ANSWER": ErrorCode(
        API, UNKNOWN, _("The answer names the customer more than once."), LOOK_UP
    ),
    "CONTRADICTORY_ANSWER": ErrorCode(API, UNKNOWN, _("The answer contradicts itself."), LOOK_UP),
    "COUNT_DISAGREES": ErrorCode(
        API, UNKNOWN, _("The answer’s counts do not prove that it is stored."), LOOK_UP
    ),
    "REFUSAL_PROVES_NOTHING": ErrorCode(
        YOU,
        UNKNOWN,
        _("The batch was refused, and nothing states that this stored nothing."),
        _("Look in the API whether they arrived, and say in its mapping what a refusal means."),
    ),
    "FAILURE_UNNAMED": ErrorCode(
        API, UNKNOWN, _("The answer reports a failure and does not say whose."), LOOK_UP
    ),
    "RESULT_NOT_KNOWN": ErrorCode(
        YOU,
        UNKNOWN,
        _("The answer says what the mapping does not explain."),
        _("Look in the API whether they arrived, and add the code to the mapping."),
    ),
    "WORKER_LOST": ErrorCode(
        ADMIN, UNKNOWN, _("The worker died before the answer came."), LOOK_UP
    ),
    "INTERNAL_ERROR": ErrorCode(
        ADMIN,
        UNKNOWN,
        _("Redrive itself failed."),
        _("See the worker’s log. Look in the API whether they arrived, then decide."),
    ),
    "UNEXPLAINED": ErrorCode(ADMIN, STOPPED, _("No reason was given."), CORRECT),
    # What makes a job wait
    "REDIRECTED": ErrorCode(YOU, PAUSED, _("The API’s address redirects."), RESUME),
    "CREDENTIAL_REFUSED": ErrorCode(YOU, PAUSED, _("The credential was refused."), RESUME),
    "ADDRESS_REFUSED": ErrorCode(YOU, PAUSED, _("The API’s address is not allowed."), RESUME),
    "CERTIFICATE_REFUSED": ErrorCode(
        YOU, PAUSED, _("The API’s certificate cannot be trusted."), RESUME
    ),
    "TOKEN_UNAVAILABLE": ErrorCode(API, RETRIED, _("No token could be had."), NOT_UP),
    "TOKEN_TIMEOUT": ErrorCode(API, RETRIED, _("No token came in time."), NOT_UP),
    "TOKEN_ANSWER_UNREADABLE": ErrorCode(YOU, PAUSED, _("No token was in the answer."), RESUME),
    "TOKEN_REQUEST_REFUSED": ErrorCode(YOU, PAUSED, _("The token URL refused."), RESUME),
    "TOKEN_REFUSED": ErrorCode(YOU, PAUSED, _("The API refuses its own new tokens."), RESUME),
    "TOKEN_CONTESTED": ErrorCode(
        YOU,
        LATER,
        _("Another program makes the tokens void."),
        _("Give Redrive an account of its own. Meanwhile it is sent again by itself."),
    ),
    "TOKEN_STORE_AWAY": ErrorCode(
        ADMIN, RETRIED, _("The database that holds the token could not be reached."), NOT_UP
    ),
    "PROXY_UNREACHABLE": ErrorCode(ADMIN, RETRIED, _("The proxy could not be reached."), PROXY),
    "PROXY_REFUSED": ErrorCode(ADMIN, PAUSED, _("The proxy refused the connection."), PROXY),
    "MAPPING_CHANGED": ErrorCode(YOU, PAUSED, _("The API’s mapping has changed."), RESUME),
    "CANNOT_SEND": ErrorCode(YOU, PAUSED, _("Sending could not begin."), RESUME),
    "FILE_CHANGED": ErrorCode(
        YOU,
        PAUSED,
        _("A file changed after it was checked, before all of it was read."),
        _("Put the file back as it was, then resume the job. Or cancel it."),
    ),
    "WRONG_KEY": ErrorCode(
        ADMIN,
        PAUSED,
        _("No key opens a stored secret."),
        _("Put the key back into CREDENTIAL_KEYS, then retry."),
    ),
    "ALL_REFUSED": ErrorCode(
        YOU,
        PAUSED,
        _("All parts of a batch were refused alike."),
        _("Look at the cause: the mapping or the API, hardly a customer. Then resume."),
    ),
    "ONE_CAUSE": ErrorCode(
        YOU,
        PAUSED,
        _("Batch after batch failed for one cause."),
        _("Put the cause right, then resume the job."),
    ),
    "API_DOWN": ErrorCode(
        API, PAUSED, _("Nothing but failures came back."), _("Resume when the API is up again.")
    ),
    "NOT_NOW_TOO_LONG": ErrorCode(
        API,
        PAUSED,
        _("For hours nothing came back but requests to wait."),
        _("Ask whoever runs it when more may be sent, then resume."),
    ),
    "BY_HAND": ErrorCode(YOU, PAUSED, _("Somebody paused the job."), _("Resume it.")),
    "FIRST_BATCH": ErrorCode(
        YOU, PAUSED, _("The first batch went out."), _("Look at it, then resume.")
    ),
    "STAGE_FAILED": ErrorCode(
        YOU, PAUSED, _("All that went out last failed."), _("Look at the cause, then resume.")
    ),
    # What people decided, and what was never sent
    "CANCELLED": ErrorCode(
        YOU,
        STOPPED,
        _("The job was cancelled before this was sent."),
        _("They were never sent. Retry failed sends them."),
    ),
    "NOT_ARRIVED": ErrorCode(
        YOU,
        STOPPED,
        _("Somebody found that it did not arrive."),
        _("Retry failed sends them again."),
    ),
    "EXCLUDED_BY_HAND": ErrorCode(
        YOU, LEFT_OUT, _("Somebody left it out."), _("Nothing to do: somebody left it out.")
    ),
    "ALREADY_IMPORTED": ErrorCode(
        YOU,
        LEFT_OUT,
        _("It was imported in another job."),
        _("Nothing to do: they were imported in another job."),
    ),
    "MAY_BE_IMPORTED": ErrorCode(YOU, LEFT_OUT, _("It may be imported already."), LOOK_UP),
    "IMPORTED_LATER": ErrorCode(
        YOU,
        LEFT_OUT,
        _("A newer version was imported."),
        _("Nothing to do: a newer version was imported. Insist if the older one is right."),
    ),
    "EXCLUDED_BEFORE": ErrorCode(YOU, LEFT_OUT, _("It was left out before."), INSIST),
    "CORRECTED_SINCE": ErrorCode(
        YOU,
        LEFT_OUT,
        _("A corrected version went out since."),
        _("Write the retry files again, then load those."),
    ),
    "BEING_RETRIED": ErrorCode(YOU, LEFT_OUT, _("It is being sent already."), INSIST),
    "EARLIER_COPY": ErrorCode(
        YOU,
        LEFT_OUT,
        _("A later copy of the customer is sent instead."),
        _("Nothing to do: the customer’s last copy is sent, as was chosen."),
    ),
    "TWICE": ErrorCode(YOU, LEFT_OUT, _("It is in two of the job’s files."), INSIST),
    # What is wrong with a record of a file
    "BAD_JSON": ErrorCode(YOU, LEFT_OUT, _("It cannot be read as JSON."), CORRECT_FILE),
    "BAD_NUMBER": ErrorCode(YOU, LEFT_OUT, _("A number cannot be sent."), CORRECT_FILE),
    "BAD_TEXT": ErrorCode(YOU, LEFT_OUT, _("A text cannot be stored."), CORRECT_FILE),
    "DUPLICATE_KEY": ErrorCode(YOU, LEFT_OUT, _("A key is given twice."), CORRECT_FILE),
    "TOO_DEEP": ErrorCode(YOU, LEFT_OUT, _("It is nested too deeply."), CORRECT_FILE),
    "TOO_LARGE": ErrorCode(YOU, LEFT_OUT, _("It is too large to be sent."), CORRECT_FILE),
    "NOT_AN_OBJECT": ErrorCode(YOU, LEFT_OUT, _("It is no object."), CORRECT_FILE),
    "NO_ID": ErrorCode(YOU, LEFT_OUT, _("Nothing says who it is."), CORRECT_FILE),
    "ID_NOT_TEXT": ErrorCode(YOU, LEFT_OUT, _("Its name is no text."), CORRECT_FILE),
    "NOT_TEXT": ErrorCode(YOU, LEFT_OUT, _("A field is no text."), CORRECT_FILE),
    "TOO_LONG": ErrorCode(YOU, LEFT_OUT, _("A field is too long."), CORRECT_FILE),
    "NO_BODY": ErrorCode(YOU, LEFT_OUT, _("The customer’s fields are missing."), CORRECT_FILE),
    "MISSING_FIELD": ErrorCode(YOU, LEFT_OUT, _("A field is missing."), CORRECT_FILE),
    "BAD_CHANGE_TYPE": ErrorCode(YOU, LEFT_OUT, _("Its changeType is unknown."), CORRECT_FILE),
    "BAD_TYPE": ErrorCode(YOU, LEFT_OUT, _("Its type is unknown."), CORRECT_FILE),
    "BAD_STATUS": ErrorCode(YOU, LEFT_OUT, _("Its status is unknown."), CORRECT_FILE),
    "BAD_LANGUAGE": ErrorCode(YOU, LEFT_OUT, _("Its language is unknown."), CORRECT_FILE),
    "BAD_DATE": ErrorCode(YOU, LEFT_OUT, _("A date does not exist."), CORRECT_FILE),
    "BAD_CARD_TYPE": ErrorCode(YOU, LEFT_OUT, _("A card’s type is unknown."), CORRECT_FILE),
}
_of_job_types: dict[str, dict[str, ErrorCode]] = {}


def register(job_type: str, codes: Mapping[str, ErrorCode]) -> None:
    """Add the codes of a job type, or what a code means there. Called by an app's `ready()`."""
    _of_job_types.setdefault(job_type, {}).update(codes)


def about(code: str, job_type: str = "customers") -> ErrorCode | None:
    """What a code means in a job of that type; None for one that an API has made up."""
    own = _of_job_types.get(job_type, {}).get(code)
    found = own or ERROR_CODES.get(code)
    if found is None and code.startswith("HTTP_"):
        return ERROR_CODES["HTTP_500" if code[5:6] == "5" else "HTTP_400"]
    return found


def known(job_type: str = "") -> dict[str, ErrorCode]:
    """All codes, with those of a job type."""
    return ERROR_CODES | _of_job_types.get(job_type, {})
