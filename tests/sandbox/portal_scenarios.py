"""What an account of the sandbox portal can go through, and how an e-mail address asks for it."""

from __future__ import annotations

import re
from enum import StrEnum


class Scenario(StrEnum):
    """What an account goes through. Chosen by the e-mail's local part, or by control."""

    GOOD = "good"  # three bills, each an ordinary download
    FLAKY = "flaky"  # first login: connection reset; second: 500; from the third on good
    WRONG_PASSWORD = "wrongpassword"  # refused with HTTP 200, unless "correct-password"
    LOCKED = "locked"  # "Your account is locked"
    CHANGE_PASSWORD = "changepassword"  # right password, but a new one must be chosen
    OTP = "otp"  # asks for a one-time code
    CAPTCHA = "captcha"  # asks for a proof of humanity
    SLOW = "slow"  # answers the login after `slow_seconds`
    ERROR_500 = "500"  # 500 on every login
    MAINTENANCE = "maintenance"  # 503 with Retry-After
    RATE_LIMITED = "ratelimited"  # 429 with Retry-After
    INLINE = "inline"  # the PDF opens in a new tab, Content-Disposition: inline
    POPUP = "popup"  # the PDF opens through window.open
    BLOB = "blob"  # a script fetches the PDF and saves a blob: link
    POST = "post"  # a form POST answers with the PDF, with an odd file name header
    HTML_PDF = "htmlpdf"  # an HTML page that calls itself a PDF
    EMPTY = "empty"  # a PDF of 0 bytes
    TRUNCATED = "truncated"  # a PDF without its end
    CUT = "cut"  # the connection closes in mid-file
    DRIP = "drip"  # the PDF arrives byte by byte, `drip_seconds` apart
    NO_BILLS = "nobills"  # an empty list
    FORTY_BILLS = "fortybills"  # 40 bills over 4 pages
    OTHER_BILL = "otherbill"  # the first row is another customer's bill
    CRASH = "crash"  # the list of bills crashes the tab
    COOKIE_BANNER = "cookiebanner"  # an overlay catches every click until accepted
    REDIRECT = "redirect"  # the login leads to another site
    UNKNOWN_PAGE = "unknownpage"  # the login leads to a page that nobody described


class Answer(StrEnum):
    """What the portal says to one submission of a password."""

    WELCOME = "welcome"
    REFUSED = "refused"
    LOCKED = "locked"
    RESET = "reset"
    ERROR = "error"
    MAINTENANCE = "maintenance"
    RATE_LIMITED = "rate_limited"


ADDRESS = re.compile(
    r"(?P<scenario>" + "|".join(sorted(Scenario, key=len, reverse=True)) + r")[-._]?\d*"
)
BEFORE_THE_PASSWORD = {
    Scenario.ERROR_500: Answer.ERROR,
    Scenario.MAINTENANCE: Answer.MAINTENANCE,
    Scenario.RATE_LIMITED: Answer.RATE_LIMITED,
    Scenario.LOCKED: Answer.LOCKED,
}
FLAKY_TRIES = {1: Answer.RESET, 2: Answer.ERROR}
BILL_COUNTS = {Scenario.NO_BILLS: 0, Scenario.FORTY_BILLS: 40}


def scenario_of(email: str) -> Scenario:
    """The scenario that the address names: good7@…, otp+anything@…; GOOD for any other."""
    local = email.partition("@")[0].partition("+")[0]
    found = ADDRESS.fullmatch(local)
    return Scenario(found["scenario"]) if found else Scenario.GOOD
