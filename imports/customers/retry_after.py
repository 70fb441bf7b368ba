"""The Retry-After header: seconds or an HTTP date (RFC 9110, section 10.2.3). Pure."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from imports.policy import LONGEST_DEFERRAL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

# A fraction is not in the standard, but some APIs send one and mean it.
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


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
    sent = _timestamp(headers.get("date", ""))
    return min(max(until - (now if sent is None else sent), 0.0), LONGEST_DEFERRAL_SECONDS)


def _timestamp(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
