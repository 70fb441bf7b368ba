"""When a list has stopped changing: nothing is asked for, and nothing is about to happen."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bills.portals import failures
from bills.portals.failures import Code, PortalError
from bills.portals.logins.signs import Mark, glance
from bills.portals.targets import LOOK_SECONDS, calmly

if TYPE_CHECKING:
    from bills.portals.lists.listing import Listing
    from bills.portals.lists.rows import Row
    from imports.messages import Text

# How long nothing may change before the list counts as whole. A page without scripts can't change
# by itself: only what was pressed may still bring another. "No bills" may stand there until they
# have come.
QUIET_SECONDS = 0.3
QUIET_BY_SCRIPT_SECONDS = 0.5  # where scripts fetch parts of the page, or ask again and again
QUIET_WITHOUT_SCRIPTS_SECONDS = 0.1
QUIET_EMPTY_SECONDS = 1.5
TIMERS_WITHIN_SECONDS = 2.5  # a page's timer that is due later brings no part of the list
LATE_SECONDS = 3.0  # a page that has not asked for itself so long after it was to, does not
SPINNER_SECONDS = 5.0  # what only looks like one may turn for ever
REFRESH = re.compile(r"\s*(\d+(?:\.\d+)?)")


@dataclass(slots=True)
class _Looks:
    """What the looks of one wait have shown. Times before `earliest` do not count."""

    earliest: float
    seen: object = None
    since: float = 0.0  # when a look has shown it first

    def take(self, seen: object, now: float, *, is_moving: bool) -> None:
        if seen != self.seen or is_moving:
            self.seen, self.since = seen, now

    def still_since(self, unchanged_since: float) -> float:
        """From our own looks, or from what the page knows of its last change."""
        return min(self.since, max(self.earliest, unchanged_since))


class Stillness:
    """Waits for one list."""

    def __init__(self, listing: Listing) -> None:
        self.listing, self.visit = listing, listing.visit

    async def rows(self, *, has_come: bool = False, has_looked: bool = False) -> list[Row]:
        """The rows once the page is at rest.

        `has_come`: what was asked for is shown already, so how long it has been still by now
        counts, too; `has_looked`: the listing's sheet is of just now, and deep. Raises PortalError
        LIST_INCOMPLETE where it does not come to rest.
        """
        limit, began = self.visit.plan.recipe.login.answer_seconds, time.monotonic()
        looks = _Looks(self.visit.came_at if has_come else began)
        is_deep = has_come or has_looked  # often the first look is the only one
        while True:
            rows = await self.rows_now(deep=is_deep, has_looked=has_looked)
            now = time.monotonic()
            why = await self._why_not(now - began) if rows is not None else failures.LOADING
            looks.take(self._seen(rows), now, is_moving=bool(why))
            still = now - looks.still_since(self._unchanged_since(now))
            if rows is not None and not why and still >= self._quiet_seconds(rows, has_come):
                return rows if is_deep else await self.listing.rows(deep=True)
            if now - began > limit and not self.visit.is_waiting:
                raise PortalError(
                    Code.LIST_INCOMPLETE,
                    failures.NOT_STILL.format(limit=f"{limit:g}", why=why or failures.CHANGING),
                )
            is_deep = has_looked = False
            await self.visit.pause(LOOK_SECONDS)

    async def rows_now(self, *, deep: bool = False, has_looked: bool = False) -> list[Row] | None:
        """The rows as they are; None while a page is on its way."""
        self.visit.check_site()
        if self.visit.is_waiting:
            return None
        self.visit.check_status()
        if has_looked:
            return self.listing.sheet.rows
        return await calmly(self.listing.rows(deep=deep))

    def _seen(self, rows: list[Row] | None) -> object:
        return self.visit.page.url, self.visit.requests_made, [row.name for row in rows or ()]

    def _unchanged_since(self, now: float) -> float:
        """Since when neither the page nor the network has stirred; now where it is not known."""
        still = self.listing.sheet.still
        return max(now - still, self.visit.stirred_at) if still else now

    def _quiet_seconds(self, rows: list[Row], has_come: bool) -> float:
        if not self.listing.sheet.has_scripts:
            return 0.0 if has_come else QUIET_WITHOUT_SCRIPTS_SECONDS
        if not rows:
            return QUIET_EMPTY_SECONDS
        return QUIET_BY_SCRIPT_SECONDS if self.visit.asked_by_script else QUIET_SECONDS

    async def _why_not(self, waited: float) -> Text:
        """What is still going on; "" where nothing is."""
        recipe, sheet = self.listing.recipe, self.listing.sheet
        if recipe.wait:
            seen = await glance(self.visit, [Mark("wait", sign) for sign in recipe.wait])
            return "" if seen else failures.NO_WAIT_SIGN
        if not sheet.is_loaded or self.visit.is_waiting:
            return failures.LOADING
        open_requests = self.visit.open_requests
        if open_requests:
            return failures.REQUEST_OPEN.format(address=open_requests[0])
        if sheet.busy == "busy" or (sheet.busy and waited < SPINNER_SECONDS):
            return failures.BUSY
        return failures.CHANGING if sheet.timers or self._refreshes() else ""

    def _refreshes(self) -> bool:
        """Whether the page has said that it is about to ask for itself again."""
        asked = (self.listing.sheet.refresh, self.visit.headers.get("refresh", ""))
        now = time.monotonic()
        due = [
            self.visit.came_at + float(found[1]) - now
            for found in map(REFRESH.match, asked)
            if found
        ]
        return any(-LATE_SECONDS < left < TIMERS_WITHIN_SECONDS for left in due)
