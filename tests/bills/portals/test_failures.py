"""Every code says who must act, what follows, and what helps."""

from __future__ import annotations

import pytest

from bills.portals.failures import MEANINGS, Code, PortalError, Rule

STOP = {"LOCKED", "PASSWORD_EXPIRED", "ACTION_NEEDED", "OTP_NEEDED", "CAPTCHA", "OTHER_SITE"}
STOP |= {"FORBIDDEN", "DOWNLOAD_LIMIT", "DOCUMENT_UNCLEAR", "DOCUMENT_PASSWORD", "ZIP_REFUSED"}
STOP |= {"TWO_BILLS_ONE_KEY", "SEVERAL_ACCOUNTS", "WRONG_ACCOUNT", "OLDER_BILLS_ELSEWHERE"}
DEFER = {"RATE_LIMITED", "MAINTENANCE", "INTERRUPTED"}


@pytest.mark.parametrize("code", Code)
def test_every_code_has_its_meaning(code: Code) -> None:
    meaning = MEANINGS[code]
    expected = Rule.STOP if code in STOP else Rule.DEFER if code in DEFER else Rule.RETRY
    expected = Rule.PAUSE if code == "BAD_SCRIPT" else expected
    assert meaning.rule is expected
    assert meaning.sentence.endswith(".")
    assert meaning.remedy.endswith(".")


def test_an_error_says_what_its_code_means_and_what_was_seen() -> None:
    error = PortalError(Code.SITE_5XX, "It answered HTTP 502.")
    assert str(error) == "The portal answered with a server error. It answered HTTP 502."
    assert error.detail == "It answered HTTP 502."
