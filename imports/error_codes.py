"""Every code that a record, an attempt or a pause can carry: who must act, and what follows.

Codes that an API makes up itself (its own, in upper case) are not listed: `about` returns None.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from imports.states import ResultStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise


class Actor(models.TextChoices):
    """Who must act before the next try can go better."""

    OPERATOR = "operator", _("You")
    ADMIN = "us", _("An administrator of Redrive")
    API = "api", _("The API’s operator")
    PORTAL = "portal", _("The portal")


class Next(models.TextChoices):
    """What Redrive does next by itself."""

    RETRIED = "retried", _("Redrive tries again, as often as the settings allow.")
    LATER = "later", _("Redrive sends it again later; this costs no attempt.")
    STOPPED = "stopped", _("Redrive does not try again until you retry it.")
    UNKNOWN = (
        "unknown",
        _("It may have arrived, so Redrive does not send it again until you decide."),
    )
    LEFT_OUT = "left_out", _("Redrive does not send it.")
    PAUSED = "paused", _("The job waits until you resume it.")


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

    @property
    def is_in_data(self) -> bool:
        """Whether the record itself has to be corrected."""
        return any(self.remedy is each for each in IN_DATA)


YOU, ADMIN, API = Actor.OPERATOR, Actor.ADMIN, Actor.API
RETRIED, LATER, STOPPED, UNKNOWN, LEFT_OUT, PAUSED = Next
CORRECT = _("Correct the data: “Fix and send again” for one, a corrected retry file for many.")
LOOK_UP = _("Check in the API whether they arrived, then mark them as imported or failed.")
NOT_UP = _("Nothing was sent. Retry when the API can be reached.")
WRONG_URL = _("The API’s URL is wrong. Correct it, then retry.")
TO_UPDATE = _("Change it to an update, or exclude it.")
TO_CREATION = _("Change it to a creation, or exclude it.")
IN_DATA = (CORRECT, TO_UPDATE, TO_CREATION)
OVERLOADED = _("The API was overloaded. Retry later, with fewer batches at once.")
RESUME = _("Fix it, then resume the job.")
CORRECT_ROW = _("Correct the row in failed_rows.csv, then upload that file on Retry files.")
CORRECT_FILE = _("Correct the record in the file, then add the file again.")
PROXY = _("Correct EGRESS_PROXY, or allow the API’s host at the proxy, then resume or retry.")
INSIST = _(
    "Nothing to do. To send them anyway, turn on “send records that were already imported”."
)

ERROR_CODES: dict[str, ErrorCode] = {
    # What the API answered
    "HTTP_400": ErrorCode(YOU, STOPPED, _("The API refused the request as malformed."), CORRECT),
    "HTTP_401": ErrorCode(YOU, PAUSED, _("The API refused the credential."), RESUME),
    "HTTP_403": ErrorCode(
        API,
        STOPPED,
        _("The API refused permission."),
        _("The credential lacks a permission. Ask for it, then retry."),
    ),
    "HTTP_404": ErrorCode(YOU, STOPPED, _("The API has nothing at this address."), WRONG_URL),
    "HTTP_405": ErrorCode(
        YOU, STOPPED, _("The API does not accept POST at this address."), WRONG_URL
    ),
    "HTTP_408": ErrorCode(API, UNKNOWN, _("The API stopped waiting for the request."), LOOK_UP),
    "HTTP_409": ErrorCode(API, UNKNOWN, _("The API reports a conflict."), LOOK_UP),
    "HTTP_413": ErrorCode(
        YOU,
        STOPPED,
        _("The batch is too large for the API."),
        _("Press Retry options and choose fewer customers per batch."),
    ),
    "HTTP_415": ErrorCode(
        YOU, STOPPED, _("The API does not accept JSON at this address."), WRONG_URL
    ),
    "HTTP_422": ErrorCode(YOU, STOPPED, _("The API refused the data."), CORRECT),
    "HTTP_425": ErrorCode(API, LATER, _("The API asked Redrive to wait."), OVERLOADED),
    "HTTP_429": ErrorCode(API, LATER, _("The API received too many requests."), OVERLOADED),
    "HTTP_500": ErrorCode(
        API,
        UNKNOWN,
        _("The API failed."),
        _("Check whether they arrived, or retry when the API works again."),
    ),
    "HTTP_502": ErrorCode(API, UNKNOWN, _("The API’s gateway failed."), OVERLOADED),
    "HTTP_503": ErrorCode(API, LATER, _("The API is not available."), OVERLOADED),
    "HTTP_504": ErrorCode(API, UNKNOWN, _("The API’s gateway timed out."), OVERLOADED),
    "HTTP_511": ErrorCode(YOU, PAUSED, _("The network wants a sign-in first."), RESUME),
    "FAILED": ErrorCode(
        API,
        RETRIED,
        _("The API could not take the customer just now."),
        _("Nothing was stored. Retry later, or with fewer batches at once."),
    ),
    "ERROR": ErrorCode(YOU, STOPPED, _("The API found the data invalid."), CORRECT),
    "REJECTED": ErrorCode(YOU, STOPPED, _("The API refused the customer."), CORRECT),
    "BATCH_REFUSED": ErrorCode(YOU, STOPPED, _("The API refused the batch."), CORRECT),
    "SOME_FAILED": ErrorCode(
        YOU,
        STOPPED,
        _("Some customers of the batch failed."),
        _("Each failed customer has its own reason."),
    ),
    "CONFLICT": ErrorCode(YOU, STOPPED, _("The customer already exists."), TO_UPDATE),
    "NOT_FOUND": ErrorCode(YOU, STOPPED, _("The API knows no such customer."), TO_CREATION),
    "ROLLED_BACK": ErrorCode(
        YOU,
        RETRIED,
        _("Another customer of the batch was refused, so none of it was stored."),
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
    "CONNECT_TIMEOUT": ErrorCode(
        API, RETRIED, _("The API did not accept a connection in time."), NOT_UP
    ),
    "CONNECT_FAILED": ErrorCode(API, RETRIED, _("The API could not be reached."), NOT_UP),
    "TLS_FAILED": ErrorCode(API, RETRIED, _("No secure connection could be made."), NOT_UP),
    "TIMEOUT": ErrorCode(API, UNKNOWN, _("The answer did not come in time."), LOOK_UP),
    "CONNECTION_LOST": ErrorCode(
        API, UNKNOWN, _("The API closed the connection without an answer."), LOOK_UP
    ),
    "ANSWER_CUT_SHORT": ErrorCode(API, UNKNOWN, _("The answer was cut off."), LOOK_UP),
    "ANSWER_UNREADABLE": ErrorCode(API, UNKNOWN, _("The answer cannot be read."), LOOK_UP),
    "ANSWER_TOO_LARGE": ErrorCode(API, UNKNOWN, _("The answer is too large."), LOOK_UP),
    "NOT_IN_ANSWER": ErrorCode(
        API, UNKNOWN, _("The answer does not mention the customer."), LOOK_UP
    ),
    "DOUBLED_IN_ANSWER": ErrorCode(
        API, UNKNOWN, _("The answer names the customer more than once."), LOOK_UP
    ),
    "CONTRADICTORY_ANSWER": ErrorCode(API, UNKNOWN, _("The answer contradicts itself."), LOOK_UP),
    "MISCOUNTED_ANSWER": ErrorCode(
        YOU,
        UNKNOWN,
        _("The answer numbers customers that were not sent."),
        _("Correct name.base in the API's mapping, and look up whether the customers arrived."),
    ),
    "COUNT_DISAGREES": ErrorCode(
        API, UNKNOWN, _("The answer’s counts do not prove that it is stored."), LOOK_UP
    ),
    "REFUSAL_PROVES_NOTHING": ErrorCode(
        YOU,
        UNKNOWN,
        _("The batch was refused, and it is not known whether any of it was stored."),
        _("Check in the API whether they arrived, and state in its mapping what a refusal means."),
    ),
    "FAILURE_UNNAMED": ErrorCode(
        API, UNKNOWN, _("The answer reports a failure without saying whose."), LOOK_UP
    ),
    "RESULT_NOT_KNOWN": ErrorCode(
        YOU,
        UNKNOWN,
        _("The mapping does not explain a code in the answer."),
        _("Check in the API whether they arrived, and add the code to the mapping."),
    ),
    "WORKER_LOST": ErrorCode(YOU, UNKNOWN, _("The worker died before the answer came."), LOOK_UP),
    "INTERNAL_ERROR": ErrorCode(
        ADMIN,
        UNKNOWN,
        _("Redrive itself failed."),
        _("See the worker’s log. Check in the API whether they arrived, then decide."),
    ),
    "UNEXPLAINED": ErrorCode(ADMIN, STOPPED, _("No reason was given."), CORRECT),
    # What makes a job wait
    "REDIRECTED": ErrorCode(YOU, PAUSED, _("The API’s address redirects."), RESUME),
    "CREDENTIAL_REFUSED": ErrorCode(YOU, PAUSED, _("The credential was refused."), RESUME),
    "ADDRESS_REFUSED": ErrorCode(YOU, PAUSED, _("The API’s address is not allowed."), RESUME),
    "CERTIFICATE_REFUSED": ErrorCode(
        YOU, PAUSED, _("The API’s certificate cannot be trusted."), RESUME
    ),
    "TOKEN_UNAVAILABLE": ErrorCode(API, RETRIED, _("No token could be obtained."), NOT_UP),
    "TOKEN_TIMEOUT": ErrorCode(API, RETRIED, _("No token came in time."), NOT_UP),
    "TOKEN_ANSWER_UNREADABLE": ErrorCode(YOU, PAUSED, _("The answer contained no token."), RESUME),
    "TOKEN_REQUEST_REFUSED": ErrorCode(YOU, PAUSED, _("The token URL refused."), RESUME),
    "TOKEN_REFUSED": ErrorCode(YOU, PAUSED, _("The API refused new tokens."), RESUME),
    "TOKEN_CONTESTED": ErrorCode(
        YOU,
        LATER,
        _("Another program invalidates the tokens."),
        _("Give Redrive an account of its own. Meanwhile Redrive sends it again by itself."),
    ),
    "TOKEN_STORE_AWAY": ErrorCode(
        ADMIN, RETRIED, _("The database that holds the token could not be reached."), NOT_UP
    ),
    "PROXY_UNREACHABLE": ErrorCode(ADMIN, RETRIED, _("The proxy could not be reached."), PROXY),
    "PROXY_REFUSED": ErrorCode(ADMIN, PAUSED, _("The proxy refused the connection."), PROXY),
    "MAPPING_CHANGED": ErrorCode(YOU, PAUSED, _("The API’s mapping has changed."), RESUME),
    "CANNOT_SEND": ErrorCode(YOU, PAUSED, _("Sending could not start."), RESUME),
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
    "RECORDS_KEY": ErrorCode(
        ADMIN,
        PAUSED,
        _("No key opens the encrypted records."),
        _("Put the key back into CREDENTIAL_KEYS, then resume the job."),
    ),
    "ALL_REFUSED": ErrorCode(
        YOU,
        PAUSED,
        _("Every part of a batch was refused for the same reason."),
        _("Check the mapping and the API; the customers are probably not at fault. Then resume."),
    ),
    "ONE_CAUSE": ErrorCode(
        YOU,
        PAUSED,
        _("Batch after batch failed for the same reason."),
        _("Fix the cause, then resume the job."),
    ),
    "API_DOWN": ErrorCode(
        API,
        PAUSED,
        _("The API answered only with failures."),
        _("Resume when the API is up again."),
    ),
    "NOT_NOW_TOO_LONG": ErrorCode(
        API,
        PAUSED,
        _("For hours the API only asked Redrive to wait."),
        _("Ask the API’s operator when more may be sent, then resume."),
    ),
    "BY_HAND": ErrorCode(YOU, PAUSED, _("A person paused the job."), _("Resume it.")),
    "RESTORED": ErrorCode(
        YOU,
        PAUSED,
        _("The job comes from a backup."),
        _("Look in the receiving system what was sent since, then resume."),
    ),
    "FIRST_BATCH": ErrorCode(
        YOU, PAUSED, _("The first batch was sent."), _("Check it, then continue.")
    ),
    "STAGE_FAILED": ErrorCode(
        YOU, PAUSED, _("Everything in the last stage failed."), _("Fix the cause, then continue.")
    ),
    # What people decided, and what was never sent
    "CANCELLED": ErrorCode(
        YOU,
        STOPPED,
        _("The job was cancelled before this was sent."),
        _("They were never sent. Retry failed sends them."),
    ),
    "SUBMITTED": ErrorCode(
        API, LATER, _("The API is at work on it."), _("Nothing to do: its result is asked for.")
    ),
    "JOB_FAILED": ErrorCode(API, STOPPED, _("The API broke off its work on the batch."), CORRECT),
    "JOB_GONE": ErrorCode(API, UNKNOWN, _("The API forgot the work that it took on."), LOOK_UP),
    "RESULT_OVERDUE": ErrorCode(API, UNKNOWN, _("The API never gave a result."), LOOK_UP),
    "CANNOT_BUILD": ErrorCode(
        YOU, STOPPED, _("The customer lacks what its API's request is made of."), CORRECT
    ),
    "REQUEST_TOO_LARGE": ErrorCode(
        YOU, RETRIED, _("The request would be too large."), _("It is sent in halves.")
    ),
    "RESULT_NOT_AWAITED": ErrorCode(
        YOU, UNKNOWN, _("The job was cancelled while the API was at work on it."), LOOK_UP
    ),
    "NOT_ARRIVED": ErrorCode(
        YOU, STOPPED, _("A person marked it as failed."), _("Retry failed sends them again.")
    ),
    "EXCLUDED_BY_HAND": ErrorCode(
        YOU, LEFT_OUT, _("A person excluded it."), _("Nothing to do: a person excluded it.")
    ),
    "ALREADY_IMPORTED": ErrorCode(
        YOU,
        LEFT_OUT,
        _("It was imported in another job."),
        _("Nothing to do: they were imported in another job."),
    ),
    "MAY_BE_IMPORTED": ErrorCode(YOU, LEFT_OUT, _("It may already be imported."), LOOK_UP),
    "IMPORTED_LATER": ErrorCode(
        YOU,
        LEFT_OUT,
        _("A newer version was imported."),
        _(
            "Nothing to do: a newer version was imported. If the older one is right, send it "
            "anyway."
        ),
    ),
    "EXCLUDED_BEFORE": ErrorCode(YOU, LEFT_OUT, _("It was excluded before."), INSIST),
    "CORRECTED_SINCE": ErrorCode(
        YOU,
        LEFT_OUT,
        _("A corrected version was sent later."),
        _("Regenerate the retry files, then load those."),
    ),
    "BEING_RETRIED": ErrorCode(YOU, LEFT_OUT, _("It is already being sent."), INSIST),
    "EARLIER_COPY": ErrorCode(
        YOU,
        LEFT_OUT,
        _("A later copy of the customer is sent instead."),
        _("Nothing to do: the customer’s last copy is sent, as chosen."),
    ),
    "TWICE": ErrorCode(YOU, LEFT_OUT, _("It is in two of the job’s files."), INSIST),
    # What is wrong with a record of a file
    "BAD_JSON": ErrorCode(YOU, LEFT_OUT, _("It cannot be read as JSON."), CORRECT_FILE),
    "BAD_NUMBER": ErrorCode(YOU, LEFT_OUT, _("A number cannot be sent."), CORRECT_FILE),
    "BAD_TEXT": ErrorCode(YOU, LEFT_OUT, _("A text cannot be stored."), CORRECT_FILE),
    "DUPLICATE_KEY": ErrorCode(YOU, LEFT_OUT, _("A key appears twice."), CORRECT_FILE),
    "TOO_DEEP": ErrorCode(YOU, LEFT_OUT, _("It is nested too deeply."), CORRECT_FILE),
    "TOO_LARGE": ErrorCode(YOU, LEFT_OUT, _("It is too large to be sent."), CORRECT_FILE),
    "NOT_AN_OBJECT": ErrorCode(YOU, LEFT_OUT, _("It is not an object."), CORRECT_FILE),
    "NO_ID": ErrorCode(YOU, LEFT_OUT, _("It has no id."), CORRECT_FILE),
    "ID_NOT_TEXT": ErrorCode(YOU, LEFT_OUT, _("Its id is not text."), CORRECT_FILE),
    "NOT_TEXT": ErrorCode(YOU, LEFT_OUT, _("A field is not text."), CORRECT_FILE),
    "TOO_LONG": ErrorCode(YOU, LEFT_OUT, _("A field is too long."), CORRECT_FILE),
    "NO_BODY": ErrorCode(YOU, LEFT_OUT, _("The customer’s fields are missing."), CORRECT_FILE),
    "MISSING_FIELD": ErrorCode(YOU, LEFT_OUT, _("A field is missing."), CORRECT_FILE),
    "BAD_CHANGE_TYPE": ErrorCode(YOU, LEFT_OUT, _("Its changeType is unknown."), CORRECT_FILE),
    "BAD_TYPE": ErrorCode(YOU, LEFT_OUT, _("Its type is unknown."), CORRECT_FILE),
    "BAD_STATUS": ErrorCode(YOU, LEFT_OUT, _("Its status is unknown."), CORRECT_FILE),
    "BAD_LANGUAGE": ErrorCode(YOU, LEFT_OUT, _("Its language is unknown."), CORRECT_FILE),
    # A member file's row
    "ROW_DATE": ErrorCode(YOU, LEFT_OUT, _("A cell holds no date."), CORRECT_ROW),
    "ROW_NUMBER": ErrorCode(YOU, LEFT_OUT, _("A cell holds no number."), CORRECT_ROW),
    "ROW_VALUE": ErrorCode(
        YOU,
        LEFT_OUT,
        _("A cell holds a value that the record template does not know."),
        CORRECT_ROW,
    ),
    "ROW_EMPTY": ErrorCode(YOU, LEFT_OUT, _("A cell is empty that may not be."), CORRECT_ROW),
    "ROW_DAMAGED": ErrorCode(
        YOU, LEFT_OUT, _("A spreadsheet has changed a cell’s value."), CORRECT_ROW
    ),
    "ROW_CELLS": ErrorCode(
        YOU, LEFT_OUT, _("A row has more or fewer cells than the heading."), CORRECT_ROW
    ),
    "ROW_UNREADABLE": ErrorCode(
        YOU, LEFT_OUT, _("The cells of a row cannot be told apart."), CORRECT_ROW
    ),
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


def for_record(meaning: ErrorCode | None, status: str) -> ErrorCode | None:
    """What a code means for a record in that status.

    Whoever is to blame, an unknown record is looked up by the operator: no retry helps it.
    """
    if meaning is None or status != ResultStatus.UNKNOWN or meaning.actor != Actor.API:
        return meaning
    return replace(meaning, actor=Actor.OPERATOR, remedy=LOOK_UP)


# What follows for a record that is decided, whatever its code: no attempt of its batch is left.
DECIDED = {
    ResultStatus.ERROR: Next.STOPPED,
    ResultStatus.UNKNOWN: Next.UNKNOWN,
    ResultStatus.EXCLUDED: Next.LEFT_OUT,
}


def follows(status: str, meaning: ErrorCode | None) -> str:
    """What Redrive does next about a record, in the reader's language; "" for nothing."""
    if status == ResultStatus.PENDING:
        return str(meaning.next.label) if meaning else ""
    decided = DECIDED.get(ResultStatus(status))
    return str(decided.label) if decided else ""


def known(job_type: str = "") -> dict[str, ErrorCode]:
    """All codes, with those of a job type."""
    return ERROR_CODES | _of_job_types.get(job_type, {})
