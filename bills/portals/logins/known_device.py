"""Goes on with what an earlier login left in the browser: a login follows only where it must."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from bills.portals import failures
from bills.portals.failures import PortalError
from bills.portals.logins.page import is_asking
from bills.portals.logins.signs import CODES, SUCCESS, glance, marks_for, race, success_marks
from bills.portals.targets import calmly, expect_overlays

if TYPE_CHECKING:
    from bills.browser.visit import Visit

LONGEST_SESSION = 200_000  # characters: what is larger is not kept
LOOK_LONGEST_SECONDS = 10.0  # for a sign that we are still in


async def is_still_in(visit: Visit) -> bool:
    """Whether the page of bills opens without a login. No other doubt about it is left."""
    login, plan = visit.login, visit.plan
    if not (login.session and login.may_resume and plan.keeps_devices and plan.billing_url):
        return False
    await expect_overlays(visit)
    try:
        is_in = await _shows_that_we_are_in(visit)
    except (PortalError, PlaywrightError):
        is_in = False  # whatever is wrong, the login finds it out
    if not is_in:
        visit.forget_where_it_led()
    visit.report.resumed = is_in
    return is_in


async def _shows_that_we_are_in(visit: Visit) -> bool:
    await visit.goto(visit.plan.billing_url)
    if visit.status >= 400:
        return False

    async def asks() -> bool:
        return await is_asking(visit)

    limit = min(visit.plan.recipe.login.answer_seconds, LOOK_LONGEST_SECONDS)
    marks = [*success_marks(visit), *marks_for(visit)]
    mark = await race(visit, marks, limit=limit, sooner=asks)
    if mark is None or mark.outcome != SUCCESS or await is_asking(visit):
        return False
    others = await glance(visit, marks_for(visit, CODES)) or {}
    return not any(mark.outcome == "code" for mark in others)


async def remembered(visit: Visit) -> str:
    """What the browser remembers of the portal, as JSON; "" where that is too much, or nothing."""
    state = await calmly(visit.context.storage_state())
    text = json.dumps(state) if state and (state["cookies"] or state["origins"]) else ""
    if len(text) > LONGEST_SESSION:
        visit.note(failures.SESSION_TOO_LARGE)
        return ""
    return text


def without_session(session: str) -> str:
    """What outlives a session: the cookies with an end of their own ("this is a known device").

    For another try after a failed one: it may have failed because of the rest.
    """
    if not session:
        return ""
    state: dict[str, Any] = json.loads(session)
    lasting = [cookie for cookie in state["cookies"] if cookie.get("expires", -1) > 0]
    return json.dumps({"cookies": lasting, "origins": []}) if lasting else ""
