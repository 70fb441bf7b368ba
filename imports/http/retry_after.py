"""How long an API asks to be left alone: Retry-After and the rate-limit headers. Pure.

Retry-After is RFC 9110, section 10.2.3; RateLimit is the IETF draft "RateLimit header fields for
HTTP"; the X- forms are common habit: seconds, or the end as Unix time or as a date.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from imports.policy import LONGEST_DEFERRAL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

# A fraction is not in the standard, but some APIs send one and mean it.
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_NUMBER = re.compile(r"[0-9]{1,16}(\.[0-9]{1,9})?")
RESETS = (
    *("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset", "rate-limit-reset"),
    *("x-ratelimit-reset-after", "x-rate-limit-reset-after"),
)
REMAINING = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
# In the header RateLimit: `limit=10, remaining=0, reset=7` (older) or `"day";r=0;t=7`.
_LIMIT_REMAINING = re.compile(r"\b(?:r|remaining)\s*=\s*([0-9]{1,12})")
_LIMIT_RESET = re.compile(r"\b(?:t|reset)\s*=\s*([0-9]{1,12})")
UNIX_TIME = 1e9  # a larger number is a time since 1970 (in milliseconds from 1e12 on)


def asked_to_wait(headers: Mapping[str, str], now: float, *, certain: bool) -> float | None:
    """Seconds to stay away, at most an hour; None where no header says so.

    `certain`: the answer itself says "not now". Otherwise Retry-After does, and so do rate-limit
    headers unless they say that something remains: many APIs send them with every answer.
    """
    asked = [retry_after(headers, now)]
    remaining = [n for name in REMAINING if (n := headers.get(name, "").strip()).isdecimal()]
    if certain or not any(int(n) for n in remaining):
        asked += [_reset(headers.get(name, ""), _sent_at(headers, now)) for name in RESETS]
    asked.append(_of_limits(headers.get("ratelimit", ""), certain=certain))
    return max((seconds for seconds in asked if seconds is not None), default=None)


def _of_limits(text: str, *, certain: bool) -> float | None:
    """The longest wait of a RateLimit header's limits that are used up."""
    older = "reset" in text  # there, the commas stand inside of one limit
    waits = []
    for limit in [text] if older else text.split(","):
        reset, remaining = _LIMIT_RESET.search(limit), _LIMIT_REMAINING.search(limit)
        is_used_up = remaining is None or not int(remaining[1])
        if reset and (is_used_up or certain):
            waits.append((is_used_up, min(float(reset[1]), LONGEST_DEFERRAL_SECONDS)))
    return max(waits)[1] if waits else None


def _reset(text: str, now: float) -> float | None:
    text = text.strip()
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number >= UNIX_TIME:
            number = number / (1000 if number >= UNIX_TIME * 1000 else 1) - now
    elif (until := _timestamp(text)) is not None:
        number = until - now
    else:
        return None
    return min(max(number, 0.0), LONGEST_DEFERRAL_SECONDS)


def _sent_at(headers: Mapping[str, str], now: float) -> float:
    sent = _timestamp(headers.get("date", ""))
    return now if sent is None else sent


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to stay away, at most an hour; None where there is no such header or no sense in it.

    `headers` has lower-case names. `now` (Unix time) is used where the answer carries no Date of
    its own: a date is measured against the clock that wrote it.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_DEFERRAL_SECONDS)
    until = _timestamp(text)
    if until is None:
        return None
    return min(max(until - _sent_at(headers, now), 0.0), LONGEST_DEFERRAL_SECONDS)


def _timestamp(text: str) -> float | None:
    """Unix time of a date as HTTP writes it, or as ISO 8601 does; without a zone it is UTC."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(text.strip())
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
