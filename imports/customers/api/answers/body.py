"""An answer's body: its JSON, strictly read in whatever encoding it came, and the API's own code.

The code of a whole batch stands where the mapping says. That of a single record stands in the
entry about it, which `record_results` reads. Pure.
"""

from __future__ import annotations

import codecs
import json
import re
from email.message import Message
from typing import TYPE_CHECKING, Any

from imports.customers.api.answers import sentences
from imports.customers.api.json_paths import as_name, find
from imports.messages import MessageError

if TYPE_CHECKING:
    from imports.customers.api.mapping import Mapping
    from imports.customers.api.responses import Answer


class NotDecoded(MessageError, ValueError):
    """The body is not trustworthy JSON. The message says why."""


def decoded(body: bytes) -> Any:
    """The JSON of a body. Raises NotDecoded, also for a name twice, NaN and absurd nesting."""
    try:
        return _STRICT.decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NotDecoded(sentences.NOT_UTF_8) from None
    except json.JSONDecodeError as error:
        is_empty = not body.strip()
        raise NotDecoded(
            sentences.EMPTY_BODY if is_empty else sentences.NO_JSON_AT.format(at=error.pos)
        ) from None
    except NotDecoded:
        raise
    except ValueError:  # thousands of digits
        raise NotDecoded(sentences.HUGE_NUMBER) from None
    except RecursionError:
        raise NotDecoded(sentences.TOO_DEEP) from None


def document_of(answer: Answer, mapping: Mapping) -> Any:
    """The JSON of an answer to a batch, as the mapping says. Raises NotDecoded.

    A refusal is one document in any case, and so is what names the work that an API takes on:
    neither holds the results.
    """
    if answer.status in mapping.accepted and mapping.poll is None:
        return results_in(answer.body, mapping)
    return decoded(answer.body)


def results_in(body: bytes, mapping: Mapping) -> Any:
    """The JSON that holds the results; a list of its lines where the mapping says so."""
    if mapping.answer_format == "json":
        return decoded(body)
    lines = body.removeprefix(codecs.BOM_UTF8).splitlines()
    return [decoded(line) for line in lines if line.strip()]


def in_utf_8(body: bytes, content_type: str) -> bytes:
    """A text that came as UTF-16 or UTF-32, or in the encoding that its answer names, as UTF-8.

    What is UTF-8 already stays as it is, whatever the answer says of it; so does what is neither.
    """
    found: str = json.detect_encoding(body[:4])
    if found.startswith("utf-8"):
        found = _named(content_type)
        if not found or _is_utf_8(body):
            return body
    try:
        return body.decode(found).encode()
    except (UnicodeError, LookupError):
        return body


def _named(content_type: str) -> str:
    """The encoding that a Content-Type names, if it is another than UTF-8 and one of texts."""
    if "charset" not in content_type.lower():
        return ""
    header = Message()
    header["Content-Type"] = content_type
    try:
        name = str(header.get_content_charset() or "")
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    is_text = getattr(found, "_is_text_encoding", True)
    return found.name if is_text and found.name != "utf-8" else ""


def _is_utf_8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotDecoded(sentences.NAME_TWICE)
    return members


def _refuse_constant(name: str) -> Any:
    raise NotDecoded(sentences.NO_JSON_NUMBER.format(text=name))


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
# How answers of all kinds say that a request failed, whatever their status.
FAILED_WORDS = ("error", "fail", "failed", "failure")


def is_page(body: bytes) -> bool:
    """Whether a body is a web page: a login, a proxy's or a maintenance page, but no API's."""
    return _PAGE.match(body.removeprefix(codecs.BOM_UTF8)[:4_000]) is not None


def says_failed(document: Any) -> bool:
    """Whether an answer says of itself that it is a failure, as most APIs would say it."""
    if not isinstance(document, dict):
        return False
    flags = (document.get(name) for name in ("success", "ok"))
    errors = (document.get(name) for name in ("error", "errors"))
    status = document.get("status")
    return (
        any(flag is False for flag in flags)
        or any(each is True or (isinstance(each, str | dict | list) and each) for each in errors)
        or (isinstance(status, str) and status.casefold() in FAILED_WORDS)
    )


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
