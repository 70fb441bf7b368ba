"""The JSON of an answer's body: strictly read, in whatever encoding it came. Pure."""

from __future__ import annotations

import codecs
import json
from email.message import Message
from typing import TYPE_CHECKING, Any

from imports.customers.api import answer_sentences as words
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
        raise NotDecoded(words.NOT_UTF_8) from None
    except json.JSONDecodeError as error:
        is_empty = not body.strip()
        raise NotDecoded(
            words.EMPTY_BODY if is_empty else words.NO_JSON_AT.format(at=error.pos)
        ) from None
    except NotDecoded:
        raise
    except ValueError:  # thousands of digits
        raise NotDecoded(words.HUGE_NUMBER) from None
    except RecursionError:
        raise NotDecoded(words.TOO_DEEP) from None


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
        raise NotDecoded(words.NAME_TWICE)
    return members


def _refuse_constant(name: str) -> Any:
    raise NotDecoded(words.NO_JSON_NUMBER.format(text=name))


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
