"""How long an API asks to be left alone: Retry-After and the rate-limit headers. Pure.

Retry-After is RFC 9110, section 10.2.3; RateLimit is the IETF draft "RateLimit header fields for
HTTP"; the others are common habit: seconds, milliseconds, a duration such as 1m30s, or the end as
Unix time or as a date.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from imports.policy import LONGEST_DEFERRAL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A fraction is not in the standard, but some APIs send one and mean it. Two equal headers arrive
# as one, with a comma.
_NUMBERS = re.compile(r"[0-9]{1,16}(\.[0-9]{1,9})?(\s*,\s*[0-9]{1,16}(\.[0-9]{1,9})?)*")
_PART = r"(?:([0-9]{{1,9}}(?:\.[0-9]{{1,9}})?)\s*{unit})?\s*"
_DURATION = re.compile(
    _PART.format(unit="h") + _PART.format(unit="m(?:in)?(?!s)")
    + _PART.format(unit="(?:s|secs?|seconds?)") + _PART.format(unit="(?:ms|milliseconds?)"),
    re.IGNORECASE,
)  # fmt: skip
_UNITS = (3600.0, 60.0, 1.0, 0.001)
# X-Retry-After, X-RateLimit-Retry-After; Retry-After-Ms, X-Ms-Retry-After-Ms.
_RETRY = re.compile(r"(?:.*-)?retry-after(-ms)?")
# X-RateLimit-Reset, RateLimit-Reset-After, X-RateLimit-Reset-Requests, …-RateLimit-Tokens-Reset.
_RESET = re.compile(r"(?:.*-)?rate-?limit-(?:.*-)?reset(?:-.*)?")
# In the header RateLimit: `limit=10, remaining=0, reset=7` (older) or `"day";r=0;t=7`.
_LIMIT_REMAINING = re.compile(r"\b(?:r|remaining)\s*=\s*([0-9]{1,12})")
_LIMIT_RESET = re.compile(r"\b(?:t|reset)\s*=\s*([0-9]{1,12})")
UNIX_TIME = 1e9  # a larger number is a time since 1970 (in milliseconds from 1e12 on)


def asked_to_wait(headers: Mapping[str, str], now: float, *, certain: bool) -> float | None:
    """Seconds to stay away, at most an hour; None where no header says so.

    `certain`: the answer itself says "not now". Otherwise Retry-After does, and so do rate-limit
    headers unless they say that something remains: many APIs send them with every answer.
    """
    asked = [seconds for seconds in _retries(headers, now) if seconds is not None]
    limits = [*_limits(headers, now), *_of_limits(headers.get("ratelimit", ""))]
    if used_up := [seconds for is_used_up, seconds in limits if is_used_up]:
        asked += used_up
    elif certain:
        asked += [seconds for _used, seconds in limits]
    return max(asked, default=None)


def says_not_now(headers: Mapping[str, str], now: float) -> bool:
    """Whether headers ask to stay away, though perhaps not until when: none is left of a limit."""
    if any(True for _retry in _retries(headers, now)):
        return True
    texts = [
        *_remaining(headers).values(),
        *_LIMIT_REMAINING.findall(headers.get("ratelimit", "")),
    ]
    return "0" in texts and not any(text.strip("0") for text in texts)


def _retries(headers: Mapping[str, str], now: float) -> Iterator[float | None]:
    """The seconds of each header that says when to come back; None where it has no sense."""
    for name, text in headers.items():
        found = _RETRY.fullmatch(name)
        if found and text.strip():
            yield _seconds(text, _sent_at(headers, now), in_ms=found[1] is not None)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to stay away, at most an hour; None where there is no such header or no sense in it.

    `headers` has lower-case names. `now` (Unix time) is used where the answer carries no Date of
    its own: a date is measured against the clock that wrote it.
    """
    asked = [seconds for seconds in _retries(headers, now) if seconds is not None]
    return max(asked, default=None)


def _remaining(headers: Mapping[str, str]) -> dict[str, str]:
    """How much is left of each limit, as a number."""
    found = {name: text.strip() for name, text in headers.items() if "remaining" in name}
    return {name: text for name, text in found.items() if text.isascii() and text.isdecimal()}


def _limits(headers: Mapping[str, str], now: float) -> Iterator[tuple[bool, float]]:
    """Each limit that has an end: whether it is used up, and the seconds until then."""
    remaining = _remaining(headers)
    for name, text in headers.items():
        if not _RESET.fullmatch(name):
            continue
        own = name.replace("reset-after", "reset").replace("reset", "remaining")
        left = [remaining[own]] if own in remaining else list(remaining.values())
        seconds = _seconds(text, _sent_at(headers, now))
        if seconds is not None:
            yield not any(each.strip("0") for each in left), seconds


def _of_limits(text: str) -> Iterator[tuple[bool, float]]:
    """The same of the limits of one RateLimit header."""
    older = "reset" in text  # there, the commas stand inside of one limit
    for limit in [text] if older else text.split(","):
        reset, remaining = _LIMIT_RESET.search(limit), _LIMIT_REMAINING.search(limit)
        if reset:
            is_used_up = remaining is None or not int(remaining[1])
            yield is_used_up, min(float(reset[1]), LONGEST_DEFERRAL_SECONDS)


def _seconds(text: str, now: float, *, in_ms: bool = False) -> float | None:
    """Seconds from now, at most an hour, by a number, a duration or a date."""
    text = text.strip()
    if _NUMBERS.fullmatch(text):
        number = max(float(each) for each in text.split(",")) / (1000 if in_ms else 1)
        if number >= UNIX_TIME:
            number = number / (1000 if number >= UNIX_TIME * 1000 else 1) - now
    elif text and (parts := _DURATION.fullmatch(text)):
        number = sum(
            float(part or 0) * unit for part, unit in zip(parts.groups(), _UNITS, strict=True)
        )
    elif (until := _timestamp(text)) is not None:
        number = until - now
    else:
        return None
    return min(max(number, 0.0), LONGEST_DEFERRAL_SECONDS)


def _sent_at(headers: Mapping[str, str], now: float) -> float:
    sent = _timestamp(headers.get("date", ""))
    return now if sent is None else sent


def _timestamp(text: str) -> float | None:
    """Unix time of a date as HTTP writes it, or as ISO 8601 does; without a zone it is UTC."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(text.strip())
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
