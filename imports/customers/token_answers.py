"""What a token endpoint's answer means: a token, a refusal a person must look at, or "later"."""

from __future__ import annotations

import json
import math
import re
import time
from typing import TYPE_CHECKING, Any

from imports.customers.json_paths import as_name
from imports.customers.retry_after import retry_after
from imports.customers.scrubbing import one_line
from imports.messages import Message, Said, Text, sentence
from imports.messages import marked as _

if TYPE_CHECKING:
    from imports.customers.answers import Answer

# RFC 6749, section 5.2. Who must be corrected, as far as the error tells.
WHO = {
    "invalid_grant": sentence("WHO_INVALID_GRANT", _("The user name or password was refused")),
    "invalid_client": sentence(
        "WHO_INVALID_CLIENT", _("The client id or client secret was refused")
    ),
    "unauthorized_client": sentence(
        "WHO_UNAUTHORIZED_CLIENT", _("This client may not use this grant")
    ),
}
SOMEBODY = sentence("SOMEBODY", _("The credential was refused"))
WHO_WAS_REFUSED = sentence(
    "WHO_WAS_REFUSED",
    _("{who} when a token was asked for{said}: check {credential}, then resume the job."),
)
NO_TOKEN = sentence(
    "NO_TOKEN_IN_ANSWER",
    _(
        "The token URL answered HTTP {status} without an access token. Check the token URL, then "
        "resume the job."
    ),
)
UNAVAILABLE = sentence(
    "UNAVAILABLE", _("The token URL is not available (HTTP {status}){said}. Nothing was sent yet.")
)
REFUSED = sentence(
    "TOKEN_REQUEST_REFUSED",
    _(
        "The token URL refused the request (HTTP {status}){said}. Check the token URL and the "
        "kind "
        "of authentication, then resume the job."
    ),
)
_SENDABLE = re.compile(r"[\x21-\x7e]+")
ELSEWHERE = sentence(
    "TOKEN_ELSEWHERE",
    _("Another worker asked the token URL for a token and got none. Nothing was sent yet."),
)


class TokenFailure(Exception):
    """No token was had, so nothing of the batch was sent. `sentence` says why."""

    def __init__(
        self,
        code: str,
        sentence: Message,
        wait: float | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(str(sentence))
        self.code = code
        self.sentence = sentence
        self.wait = wait  # seconds, where the endpoint asked for them
        self.facts = facts or {"code": code}  # to be stored; `failure_from` makes it anew


class TokenUnavailable(TokenFailure):
    """The cause may pass: try again later."""


class TokenRefused(TokenFailure):
    """A person must act: the credential, the grant or the URL is wrong."""


def token_from(answer: Answer, credential: Text, secrets: tuple[str, ...]) -> tuple[str, float]:
    """The access token and its life in seconds (infinite where the answer does not say).

    Raises TokenUnavailable or TokenRefused.
    """
    fields = _fields(answer.body)
    facts = {"code": "", "status": answer.status, "error": "", "said": "", "wait": None}
    if 200 <= answer.status <= 299:
        token = fields.get("access_token")
        if isinstance(token, str) and _SENDABLE.fullmatch(token):
            return token, _life(fields.get("expires_in"))
        raise failure_from(facts | {"code": "TOKEN_ANSWER_UNREADABLE"}, credential)
    error = as_name(fields.get("error"))
    facts["error"] = error if error in WHO else ""
    facts["said"] = one_line(as_name(fields.get("error_description")), secrets)
    raise failure_from(_classified(facts, answer), credential)


def _classified(facts: dict[str, Any], answer: Answer) -> dict[str, Any]:
    status = answer.status
    if status in (408, 425, 429) or status >= 500:
        wait = retry_after(answer.headers, time.time())
        return facts | {"code": "TOKEN_UNAVAILABLE", "wait": wait}
    is_credential = facts["error"] or status == 401
    return facts | {"code": "CREDENTIAL_REFUSED" if is_credential else "TOKEN_REQUEST_REFUSED"}


def failure_from(facts: dict[str, Any], credential: Text) -> TokenFailure:
    """The failure that these facts are, as they were found here or stored by another worker."""
    code, status, wait = facts["code"], facts.get("status"), facts.get("wait")
    said = Said(facts.get("said", ""))
    match code:
        case "CREDENTIAL_REFUSED":
            who = WHO.get(facts.get("error", ""), SOMEBODY)
            text = WHO_WAS_REFUSED.format(who=who, said=said, credential=credential)
        case "TOKEN_ANSWER_UNREADABLE":
            text = NO_TOKEN.format(status=status)
        case "TOKEN_REQUEST_REFUSED":
            text = REFUSED.format(status=status, said=said)
        case _:
            text = UNAVAILABLE.format(status=status, said=said) if status else ELSEWHERE
            return TokenUnavailable("TOKEN_UNAVAILABLE", text, wait, facts)
    return TokenRefused(code, text, wait, facts)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        decoded = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _life(value: object) -> float:
    """Some send the number as text, some send none; nonsense counts as none."""
    try:
        life = float(as_name(value) if isinstance(value, str | int) else str(value))
    except ValueError:
        return math.inf
    return life if life > 0 and math.isfinite(life) else math.inf
