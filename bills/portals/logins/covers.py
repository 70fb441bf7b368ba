"""Presses a button that something lies over: a consent wall that comes late, or is a frame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from bills.portals import guesses
from bills.portals.logins import phrases
from bills.portals.logins.signs import EVERYWHERE, MOST_FRAMES

if TYPE_CHECKING:
    from playwright.async_api import ElementHandle, Locator

    from bills.browser.visit import Visit

COVERED_SECONDS = 3.0  # how long a button is pressed before what lies over it is looked at
COVERS = re.compile(r"intercepts pointer events")
# Presses what agrees to (or refuses) cookies: in whatever lies over the page, or in a frame that
# speaks of nothing else. Then what closes a dialog: a survey, an offer.
PRESS_AWAY = (
    "([agree, cookies, close]) => {"
    + EVERYWHERE
    + r"""
  const agrees = new RegExp(`^\W*(?:${agree})\W*$`, "i"), about = new RegExp(cookies, "i");
  const isIn = window !== window.top
    && about.test(((document.body || {}).innerText || "").slice(0, 5000));
  const OVER = ["fixed", "sticky", "absolute"];
  const above = part => part.parentElement || (part.getRootNode() || {}).host || null;
  const liesOver = part => {
    for (let box = part; box && box !== document.body; box = above(box))
      if (OVER.includes(getComputedStyle(box).position) || box.matches("dialog, [role=dialog]"))
        return about.test((box.innerText || box.textContent || "").slice(0, 5000));
    return false;
  };
  const text = part => (part.innerText || part.value || part.getAttribute("aria-label") || "")
    .trim();
  const parts = all("button, a, [role=button], input[type=button], input[type=submit]")
    .slice(0, 1000).filter(part => part.getClientRects().length);
  const closes = new RegExp(`^\W*(?:${close})\W*$`, "i");
  const found = parts.find(part => agrees.test(text(part)) && (isIn || liesOver(part)))
    || parts.find(part => [text(part), part.getAttribute("aria-label") || ""].some(
      one => closes.test(one)) && part.closest("dialog, [role=dialog], [aria-modal=true]"));
  if (found) found.click();
  return !!found;
}"""
)


async def press_through(
    visit: Visit, button: Locator | ElementHandle, *, has_other_way: bool = False
) -> None:
    """Press it; where something lies over it, that is pressed away first, as far as it can be.

    `has_other_way`: it need not be waited for long. Raises Playwright's TimeoutError.
    """
    shortest = COVERED_SECONDS * 1000
    try:
        await button.click(timeout=shortest, no_wait_after=True)
    except PlaywrightTimeout as problem:
        is_stuck = is_covered(problem) and not await press_away(visit)
        limit = shortest if is_stuck and has_other_way else None
        await button.click(timeout=limit, no_wait_after=True)


async def press_away(visit: Visit) -> bool:
    """Press away what lies over the page, agreeing to cookies at most; whether anything was."""
    close = f"{phrases.control_pattern('close')}|{phrases.control_pattern('later')}"
    words = [phrases.control_pattern("cookies"), guesses.ABOUT_COOKIES, close]
    for frame in visit.page.frames[: MOST_FRAMES + 1]:
        try:
            if await frame.evaluate(PRESS_AWAY, words):
                return True
        except PlaywrightError:
            continue  # it came and went
    return False


def is_covered(problem: PlaywrightError) -> bool:
    """Whether a press failed because something lies over the button."""
    return bool(COVERS.search(problem.message))
