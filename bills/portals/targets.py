"""Finds on the page what a recipe's target names, and does a recipe's steps."""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from playwright.async_api import Error as PlaywrightError

from bills.portals import failures, guesses
from bills.portals.failures import Code, PortalError
from bills.portals.recipe_schema import PLACEHOLDER, Target

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import date

    from playwright.async_api import Frame, FrameLocator, Locator, Page

    from bills.browser.visit import Visit
    from bills.portals.recipe_schema import BillsPart, Step

    Root = Page | Frame | Locator | FrameLocator

Answer = TypeVar("Answer")
Roots: TypeAlias = "Callable[[], Sequence[Page | Locator]]"

BETWEEN_PAGES = re.compile(r"context was destroyed|navigat|frame was detached|not attached", re.I)
LOOK_SECONDS = 0.05  # between two looks at a page
BANNER_SECONDS = 1.0
OPTIONAL_SECONDS = 3.0  # how long an optional step's target is waited for
DAYS_IN_A_MONTH = 30.44


def locators(root: Root, target: Target | guesses.ElementPattern) -> list[Locator]:
    """Where the target may be, the surest first: an exact name before one that contains it.

    "Password" would otherwise find the button "Show password".
    """
    if isinstance(target, guesses.ElementPattern):
        words = re.compile(target.words, re.IGNORECASE) if target.words else None
        return [root.locator(target.css, has_text=words)]
    if target.frame:
        root = root.frame_locator(target.frame)
    if target.selector:
        return [root.locator(target.selector)]
    if target.role:
        name = target.name or None
        exact = root.get_by_role(target.role, name=name, exact=True)  # type: ignore[arg-type]
        return [exact, root.get_by_role(target.role, name=name)]  # type: ignore[arg-type]
    if target.label:
        # "Password *" and "Password:" are what forms make of a label.
        loose = re.compile(rf"^\W*{re.escape(target.label)}\W*$", re.IGNORECASE)
        return [
            root.get_by_label(target.label, exact=True),
            root.get_by_label(loose),
            root.get_by_label(target.label),
        ]
    if target.placeholder:
        return [root.get_by_placeholder(target.placeholder)]
    return [root.get_by_text(target.text, exact=True), root.get_by_text(target.text)]


async def look(root: Root, targets: Sequence[Target | guesses.ElementPattern]) -> Locator | None:
    """The first of the targets that is visible now, else None."""
    for target in targets:
        for locator in locators(root, target):
            shown = locator.filter(visible=True)
            if await shown.count():
                return shown.first
    return None


async def look_in_frames(visit: Visit, targets: Sequence[Target]) -> Locator | None:
    """As `look`, on the page and then in the frames of the portal's own site."""
    for frame in visit.frames():
        found = await look(frame, targets)
        if found is not None:
            return found
    return None


async def find(
    visit: Visit,
    targets: Sequence[Target],
    what: str,
    *,
    roots: Roots | None = None,
    limit: float | None = None,
) -> Locator:
    """The first of the targets to become visible. `what` names the field for the error.

    `roots` says at each look where to look, in this order; absent: on the visit's page and in
    the frames of the portal's own site. Raises PortalError NAVIGATION when none does in `limit`
    seconds, or the recipe's answer_seconds.
    """
    limit = visit.plan.recipe.login.answer_seconds if limit is None else limit
    try:
        async with asyncio.timeout(limit):
            while True:
                visit.check_site()
                for root in roots() if roots else visit.frames():
                    found = await calmly_look(root, targets)
                    if found is not None:
                        return found
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        names = " or ".join(str(target) for target in targets[:3])
        raise PortalError(
            Code.NAVIGATION,
            failures.NOT_SHOWN.format(what=what, names=names, limit=f"{limit:g}"),
        ) from None


async def calmly_look(
    root: Root, targets: Sequence[Target | guesses.ElementPattern]
) -> Locator | None:
    """As `look`; a page that is just being replaced shows nothing."""
    return await calmly(look(root, targets))


async def calmly(asking: Awaitable[Answer]) -> Answer | None:
    """What the page tells; None where it is only being replaced by the next one."""
    try:
        return await asking
    except PlaywrightError as problem:
        if BETWEEN_PAGES.search(problem.message):
            return None
        raise


async def expect_overlays(visit: Visit) -> None:
    """The recipe's overlays are pressed away from the start, usual cookie banners once one shows.

    Looking out for them costs something at every action. A banner that no look at the page has
    shown is looked out for as soon as the login takes its time: it may stand in the way.
    """
    if visit.plan.recipe.overlays:
        await dismiss_overlays(visit)
        return

    async def later() -> None:
        await asyncio.sleep(BANNER_SECONDS)
        with contextlib.suppress(PlaywrightError):
            await dismiss_overlays(visit)

    waiting = asyncio.ensure_future(later())

    def stop(_: Page) -> None:
        waiting.cancel()

    visit.page.on("close", stop)


async def dismiss_overlays(visit: Visit) -> None:
    """From now on, press away the recipe's overlays (or usual cookie banners) as they appear.

    Playwright does it itself before every action, also before one that is under way is tried
    again, so a banner that comes late is met too.
    """
    if visit.dismisses_overlays:
        return
    visit.dismisses_overlays = True
    buttons = visit.plan.recipe.overlays or (Target(selector=guesses.COOKIE_BUTTON),)
    for target in buttons:
        found = locators(visit.page, target)[-1].filter(visible=True).first
        await visit.page.add_locator_handler(found, _press, no_wait_after=True)


async def _press(button: Locator) -> None:
    await button.click()


async def do_steps(
    visit: Visit,
    steps: Sequence[Step],
    field: str,
    roots: Roots | None = None,
    values: dict[str, str] | None = None,
) -> None:
    """Do a recipe's steps one after the other. `field` names them in errors.

    `roots` as for `find`; `values` are further names that the steps' texts may hold.
    """
    for number, step in enumerate(steps):
        await do_step(visit, step, f"{field}[{number}]", roots, values)


async def do_step(
    visit: Visit,
    step: Step,
    place: str,
    roots: Roots | None = None,
    values: dict[str, str] | None = None,
) -> None:
    """Do one step; skip it where it is optional and its target does not appear."""
    if step.goto:
        await visit.goto(filled(step.goto, visit, values))
        return
    if step.target is None:
        if isinstance(step.wait, float | int):
            await asyncio.sleep(step.wait)
        return
    seconds = step.seconds or (OPTIONAL_SECONDS if step.optional else None)
    try:
        found = await find(visit, [step.target], place, roots=roots, limit=seconds)
    except PortalError as missing:
        if step.optional and missing.code is Code.NAVIGATION:
            return
        raise
    if step.click:
        await found.click()
    elif step.fill:
        await found.fill(filled(step.value, visit, values))
    elif step.select:
        await found.select_option(filled(step.value, visit, values))


def filled(text: str, visit: Visit, more: dict[str, str] | None = None) -> str:
    """The text with {email}, {since}, {today} and the CSV's columns filled in.

    Raises PortalError NAVIGATION for a name that this credential does not have.
    """
    values = {
        **visit.login.extra,
        "email": visit.login.email,
        "today": today().isoformat(),
        "since": (earliest(visit.plan.recipe.bills) or today()).isoformat(),
        **(more or {}),
    }

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise PortalError(
                Code.NAVIGATION,
                failures.NO_SUCH_COLUMN.format(column=found[1], known=", ".join(sorted(values))),
            )
        return values[found[1]]

    return PLACEHOLDER.sub(value, text)


def today() -> date:
    """Today's date in UTC: a range of bills may be a day off."""
    return datetime.now(UTC).date()


def earliest(bills: BillsPart) -> date | None:
    """The date before which bills are left alone; None where all count."""
    if bills.since:
        return datetime.fromisoformat(bills.since).date()
    if bills.months:
        return today() - timedelta(days=bills.months * DAYS_IN_A_MONTH)
    return None
