"""Fills in a portal's login form as the recipe says, or as forms usually are, and judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bills.portals import details, guesses
from bills.portals.failures import Code, PortalError
from bills.portals.recipe_schema import Sign
from bills.portals.signs import (
    FROM_THE_START,
    SUCCESS,
    Mark,
    glance,
    marks_for,
    race,
    refuse,
    success_marks,
)
from bills.portals.targets import calmly_look, do_steps, find, locators
from bills.report import Stage

if TYPE_CHECKING:
    from playwright.async_api import Locator

    from bills.portals.recipe_schema import Target
    from bills.visit import Visit
    from imports.messages import Text


async def open_login(visit: Visit) -> None:
    """Open the login page. Raises PortalError where it is closed, broken or asks for a proof."""
    await visit.goto(visit.plan.login_url)
    seen = await glance(visit, marks_for(visit, FROM_THE_START)) or set()
    for mark in marks_for(visit, FROM_THE_START):
        if mark in seen:
            refuse(visit, mark)
    visit.check_status()
    if visit.status == 404:
        raise PortalError(Code.NAVIGATION, details.NO_LOGIN_PAGE)
    await do_steps(visit, visit.plan.recipe.login.steps, "login.steps")


async def send_password(visit: Visit) -> frozenset[Mark]:
    """Fill in the form and send it. Gives the marks that the page showed before that.

    A help text ("Is your account locked?") stands there before and after: it proves nothing.
    """
    await visit.enter(Stage.LOGIN)
    part = visit.plan.recipe.login
    email = await find(visit, wanted(part.email, guesses.EMAIL_BOXES), "login.email")
    await email.fill(visit.login.email)
    password = await password_box(visit)
    before = await glance(visit, [*marks_for(visit), *success_marks(visit)]) or set()
    await visit.type_password(password)
    button = await calmly_look(visit.page, wanted(part.submit, guesses.SUBMIT_BUTTONS))
    if button is None and part.submit is not None:
        button = await find(visit, [part.submit], "login.submit")
    await visit.take_picture()  # now: as soon as it is sent, the page is on its way out
    if button is None:
        await password.press("Enter")
    else:
        await button.click(no_wait_after=True)
    return frozenset(before)


async def password_box(visit: Visit) -> Locator:
    """The password's box, on the next page where e-mail and password are asked for in turn."""
    part = visit.plan.recipe.login
    boxes = wanted(part.password, (guesses.PASSWORD_BOX,))
    shown = await calmly_look(visit.page, boxes)
    if shown is None or part.next is not None:
        following = wanted(part.next, guesses.NEXT_BUTTONS)
        button = await calmly_look(visit.page, following)
        if button is not None:
            await button.click()
        shown = await find(visit, boxes, "login.password")
    return shown


async def judge(visit: Visit, before: frozenset[Mark]) -> None:
    """Return when the page proves that we are in. Raises PortalError for all else."""
    await visit.enter(Stage.JUDGE)
    recipe = visit.plan.recipe
    told = marks_for(visit)
    given = [mark for mark in told if getattr(recipe.outcomes, mark.outcome) is not None]
    guessed = [mark for mark in told if mark not in given]
    success = success_marks(visit)
    in_order = [*given, *success, *guessed]
    if recipe.outcomes.success is None:
        in_order = [*given, *guessed, *success]
    mark = await race(visit, in_order, limit=recipe.login.answer_seconds, ignored=before)
    if mark is None:
        raise PortalError(Code.UNRECOGNISED_PAGE, await unrecognised(visit))
    refuse(visit, mark)
    if mark.outcome == SUCCESS and recipe.outcomes.success is None:
        await doubt(visit)


async def doubt(visit: Visit) -> None:
    """A guessed success is none while the page asks for a password."""
    if await is_asking(visit):
        raise PortalError(Code.UNRECOGNISED_PAGE, details.ASKS)


async def is_asking(visit: Visit) -> bool:
    """Whether a box for a password is visible: we are not logged in, or not any more."""
    given = visit.plan.recipe.login.password
    if given is None:
        shown = await glance(visit, [Mark("asking", Sign(selector=guesses.PASSWORD_BOX))])
        if shown is not None and not shown:
            return False
    # A glance also sees boxes without any size, which are there for browsers' own fillings-in.
    for box in wanted(given, (guesses.PASSWORD_BOX,)):
        for locator in locators(visit.page, box):
            if await locator.filter(visible=True).count():
                return True
    return False


async def unrecognised(visit: Visit) -> Text:
    """What there is to say about a page that nothing matched."""
    status = f" (HTTP {visit.status})" if visit.status >= 400 else ""
    title = await visit.page.title()
    told = details.TITLE.format(title=title, status=status)
    return told + details.ASKS if await is_asking(visit) else told


def wanted(given: Target | None, usual: tuple[str, ...]) -> tuple[Target, ...]:
    """The recipe's target, else the usual ones."""
    return (given,) if given is not None else guesses.targets(usual)
