"""Turns what Playwright (or a portal's script) raised into a code and a plain sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from bills.portals import failures
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from bills.browser.visit import Visit

LONGEST_EXCERPT = 200
CRASHED = re.compile(
    r"crash|has been closed|target closed|browser.*closed|connection closed", re.I
)
NETWORK = re.compile(
    r"net::ERR_(?!ABORTED|BLOCKED|TOO_MANY_REDIRECTS)|ECONN|ENOTFOUND|EAI_AGAIN|socket hang up",
    re.I,
)
# Of a call log: "<iframe> from <div id="wall">…</div> subtree intercepts pointer events".
COVER = re.compile(r"(<[^>\n]{1,300}>)[^\n]{0,300}? intercepts pointer events")
MOST_OF_COVER = 80  # characters
TIMED_OUT = re.compile(r"net::ERR_(CONNECTION_)?TIMED_OUT|ETIMEDOUT", re.I)


def explained(error: BaseException, visit: Visit | None) -> PortalError:
    """The failure behind an exception. Its text may hold a secret: the caller scrubs it."""
    if isinstance(error, PortalError):
        return error
    if visit is not None and visit.strayed:
        try:
            visit.check_site()
        except PortalError as strayed:
            return strayed
    if not isinstance(error, PlaywrightError):
        return PortalError(
            Code.NAVIGATION,
            failures.SCRIPT_BROKE.format(kind=type(error).__name__, error=excerpt(error)),
        )
    text = error.message
    if TIMED_OUT.search(text):
        return PortalError(Code.TIMEOUT, excerpt(error))
    if cover := COVER.search(text):
        name = cut(cover[1], MOST_OF_COVER)
        return PortalError(Code.NAVIGATION, failures.COVERED.format(cover=name))
    if isinstance(error, PlaywrightTimeout):
        return PortalError(Code.NAVIGATION, failures.WAITED.format(what=waited_for(text)))
    if NETWORK.search(text):
        reason = excerpt(error)
        return PortalError(Code.NETWORK, visit.why_lost(reason) if visit else reason)
    if CRASHED.search(text):
        return PortalError(Code.BROWSER_CRASH)
    return PortalError(Code.NAVIGATION, excerpt(error))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with a sign that something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def excerpt(error: BaseException) -> str:
    """The first line of the error's text, cut."""
    text = error.message if isinstance(error, PlaywrightError) else str(error)
    lines = text.strip().splitlines() or [type(error).__name__]
    # "Page.goto: net::ERR_FAILED at https://…": the address may carry a token.
    named = re.search(r"net::\w+", lines[0])
    return named[0] if named else lines[0][:LONGEST_EXCERPT]


def waited_for(text: str) -> str:
    """From a TimeoutError's call log: what was waited for ("waiting for get_by_label(…)")."""
    found = re.search(r"waiting for (.+)", text)
    first = text.strip().splitlines()[0] if text.strip() else ""
    return (found[1] if found else first).strip()[:LONGEST_EXCERPT]
