"""What a page offers for an account that failed: the act that its code's remedy names."""

from __future__ import annotations

from enum import StrEnum

from bills.portals.failures import Code


class Way(StrEnum):
    """How an account is helped."""

    PASSWORD = "password"  # noqa: S105 - enter another one
    PORTAL = "portal"  # correct the portal's recipe, script or addresses
    RETRY = "retry"  # nothing to correct in Redrive


BY_PASSWORD = frozenset({Code.LOGIN_FAILED, Code.PASSWORD_EXPIRED, Code.LOCKED})
BY_PORTAL = frozenset(
    {
        Code.NAVIGATION,
        Code.UNRECOGNISED_PAGE,
        Code.NO_BILLS_BUT_HAD_BEFORE,
        Code.LIST_INCOMPLETE,
        Code.TWO_BILLS_ONE_KEY,
        Code.OLDER_BILLS_ELSEWHERE,
        Code.SEVERAL_ACCOUNTS,
        Code.WRONG_ACCOUNT,
        Code.DOCUMENT_UNCLEAR,
        Code.DOCUMENT_PASSWORD,
        Code.SCRIPT_ERROR,
        Code.BAD_SCRIPT,
        Code.FORBIDDEN,
        Code.OTHER_SITE,
        "BAD_RECIPE",
    }
)


def way_of(code: str) -> Way:
    """The act that fits the code; trying again where there is nothing to correct."""
    if code in BY_PASSWORD:
        return Way.PASSWORD
    return Way.PORTAL if code in BY_PORTAL else Way.RETRY
