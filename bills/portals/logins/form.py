"""Finds the login form on the page or in one of its frames, and fills in the user's part of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from bills.browser.page_errors import cut
from bills.browser.pinning import Pinned, new_mark
from bills.browser.sites import site
from bills.portals import failures
from bills.portals.failures import Code, PortalError
from bills.portals.logins.covers import press_through
from bills.portals.logins.scripts import MARK_FORM, NAMES_USER
from bills.portals.logins.signs import (
    EVERYWHERE,
    counted,
    glance,
    look_at,
    marks_for,
    refuse,
)
from bills.portals.packing import unpacked
from bills.portals.targets import LOOK_SECONDS, calmly, find, look_in_frames

if TYPE_CHECKING:
    from playwright.async_api import ElementHandle, Frame, Locator

    from bills.browser.visit import Visit
    from bills.portals.logins.signs import Seen
    from imports.messages import Text

MOST_OPENED = 3  # buttons: "My pages", "Log in", "With a password"
MOST_NAMED = 5  # hosts or buttons, in a sentence
LONGEST_NAME = 40
MASK = re.compile(r"[*\u2022\u00b7\u25cf]+")
OPENER_SECONDS = 1.0
OPEN_AFTER_SECONDS = 1.5  # a form that is still to come is waited for before a button is pressed
LOOKS_AT_ANSWER = ("locked", "captcha", "rate_limited", "maintenance", "code", "refused")
PRESS_BANNER = """() => {
  const button = document.querySelector("[data-redrive-banner]");
  if (button) button.click();
}"""
LEAVE = f"""mark => {{{EVERYWHERE}
  for (const box of all(`[data-redrive-form="${{mark}}"]`)) box.blur();
}}"""
LOOKS_AGAIN = 3
REASONS = {
    "new_password": failures.FOR_NEW_PASSWORD,
    "two_passwords": failures.FOR_NEW_PASSWORD,
    "sign_up": failures.FOR_SIGN_UP,
    "not_a_login": failures.FOR_SIGN_UP,
}


@dataclass(frozen=True, slots=True)
class LoginForm:
    """What one look at a frame found. `kind` is password, user (asked for first), open or none.

    `against` says why a box for a password does not count; `extra` is the label of a further box
    that must not stay empty; `is_ambiguous`, that two forms are equally likely. Its parts are
    marked in the page: a handle of each would bring all of Playwright's own script into it.
    """

    kind: str = "none"
    against: str = ""
    extra: str = ""
    is_ambiguous: bool = False
    user_is_fixed: bool = False  # it shows the user, and cannot be written in
    needs_code: bool = False  # beside the password
    frame: Frame | None = None
    seal: str = ""
    parts: frozenset[str] = frozenset()  # of password, user, code, button and opener
    goal: tuple[str, ...] = ()  # where the box for the password stands, and where it leads
    holds: int | None = None  # characters in the box that was kept
    most: int = -1  # characters that it takes; -1: any number
    pinned: Pinned | None = None

    def part(self, name: str) -> Locator | None:
        """Where to find it, if it is there."""
        if self.frame is None or name not in self.parts:
            return None
        return self.frame.locator(f'[data-redrive-form="{self.seal}-{name}"]')

    @property
    def box(self) -> Locator:
        """The box for the password. Raises PortalError where there is none."""
        found = self.part("password")
        if found is None:
            raise PortalError(Code.NAVIGATION, failures.FORM_REPLACED)
        return found

    def holds_all(self, password: str) -> bool:
        """Whether the box holds what a person could have typed into it; true if nobody knows."""
        length = len(password.encode("utf-16-le")) // 2  # as JavaScript counts
        return self.holds is None or self.holds == (
            length if self.most < 0 else min(length, self.most)
        )


RANK = ("password", "user", "open", "none")


async def look_for_form(visit: Visit) -> LoginForm:
    """The likeliest form of those in all frames that may be told the password."""
    found = [LoginForm()]
    for frame in visit.frames():
        form = await calmly(form_in(visit, frame))
        if form is not None:
            found.append(form)
    refusals = [form.against for form in found if form.against]
    best = min(found, key=lambda form: RANK.index(form.kind))
    if best.kind == "none" and refusals:
        return LoginForm(against=refusals[0])
    return best


async def form_in(
    visit: Visit,
    frame: Frame,
    given: ElementHandle | None = None,
    *,
    keeps: bool = False,
    mark: str = "",
) -> LoginForm:
    """The form in this frame; that of the box `given`, where the recipe names one.

    `keeps`: that of the box that an earlier look has found, as long as it is there. With a `mark`
    its box for the password is pinned.
    """
    asked = [given, visit.form_seal, keeps, mark]
    facts: dict[str, Any] = unpacked(await frame.evaluate(MARK_FORM, asked))
    return LoginForm(
        kind=facts["kind"],
        against=facts["against"],
        extra=facts["extra"],
        is_ambiguous=facts["ambiguous"],
        user_is_fixed=facts["typed"],
        needs_code=facts["needsCode"],
        frame=frame,
        seal=visit.form_seal,
        parts=frozenset(facts["parts"]),
        goal=tuple(facts["goal"]),
        holds=facts["holds"],
        most=facts["most"],
        pinned=Pinned(mark, *facts["pinned"]) if facts["pinned"] else None,
    )


async def pinned_form(visit: Visit, form: LoginForm) -> LoginForm:
    """The form, looked at once more and pinned at that look: the user has been typed.

    A page may draw its form anew for each letter. Raises PortalError where it does not rest.
    """
    for _ in range(LOOKS_AGAIN):
        if form.frame is not None:
            again = await calmly(form_in(visit, form.frame, mark=new_mark()))
            if again is not None and again.kind == "password":
                return again
        form = await look_for_form(visit)
    raise PortalError(Code.NAVIGATION, failures.FORM_REPLACED)


async def look_again(visit: Visit, form: LoginForm) -> LoginForm:
    """The form as the page is now, with the password typed into its box.

    Raises PortalError OTHER_SITE where it would send the password elsewhere by now.
    """
    if form.frame is None:
        return form
    again = await calmly(form_in(visit, form.frame, keeps=True))
    if again is None:
        return form
    visit.refuse_elsewhere(again.goal, failures.WAS_STOPPED)
    return again if "button" in again.parts else replace(again, parts=form.parts)


async def leave(form: LoginForm) -> None:
    """Leave the box for the user: some pages draw the form anew then."""
    if form.frame is not None:
        await calmly(form.frame.evaluate(LEAVE, f"{form.seal}-user"))


def is_masked_as(shown: str, user: str) -> bool:
    """Whether a box that can't be written in names this user, perhaps in part: "a***@x.test"."""
    parts = [re.escape(part) for part in MASK.split(shown.strip().lower())]
    return bool(re.fullmatch(".*".join(parts), user.strip().lower()))


class Filling:
    """Fills in the user, on the same page as the password or on one before it."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.part = visit.plan.recipe.login
        self.has_typed = False
        self._opened: set[str] = set()
        self._has_cleared = False
        self._before: Seen = {}

    async def form(self) -> LoginForm:
        """The form with a password box, with the user filled in. Raises PortalError."""
        if self.part.email is not None:
            await self._type_user()
        form = await self._form_with_password()
        self._check(form)
        user = form.part("user")
        if user is not None and self.part.email is None and not form.user_is_fixed:
            await user.fill(self.visit.login.email)
            await leave(form)
            self.has_typed = True
        elif not self.has_typed:
            await self._check_user(form)
        return form

    async def _check_user(self, form: LoginForm) -> None:
        """Raise PortalError unless the form, which takes no user, is this user's."""
        user, shown = self.visit.login.email, form.part("user")
        if form.user_is_fixed and shown is not None:
            if not is_masked_as(await shown.input_value(), user):
                raise PortalError(Code.NAVIGATION, failures.OTHER_USER)
        elif not await form.box.evaluate(NAMES_USER, user):
            raise PortalError(Code.NAVIGATION, failures.NO_USER_BOX)

    async def _type_user(self) -> None:
        if self.part.email is None:
            return
        box = await find(self.visit, [self.part.email], "login.email")
        await box.fill(self.visit.login.email)
        self.has_typed = True
        if self.part.next is not None:
            await (await find(self.visit, [self.part.next], "login.next")).click()

    def _check(self, form: LoginForm) -> None:
        if form.is_ambiguous:
            raise PortalError(Code.NAVIGATION, failures.TWO_FORMS)
        if form.extra:
            raise PortalError(Code.NAVIGATION, failures.ANOTHER_BOX.format(label=form.extra))

    async def _form_with_password(self) -> LoginForm:
        """Wait for the form; fill in a page that asks for the user alone on the way."""
        visit, limit = self.visit, self.part.answer_seconds
        ends_at, opens_at = visit.clock() + limit, visit.clock() + OPEN_AFTER_SECONDS
        form = LoginForm()
        while visit.clock() < ends_at:
            visit.check_site()
            if not visit.is_waiting:
                form = await self._look()
                if form.kind == "password":
                    return form
                if form.kind == "user" and not self.has_typed:
                    await self._ask_for_password(form)
                elif visit.clock() > opens_at and await self._open(form):
                    opens_at = visit.clock() + OPEN_AFTER_SECONDS
                if self.has_typed:
                    await self._refuse_if_marked()
            await visit.pause(LOOK_SECONDS)
        raise await self._nothing_found(form, limit)

    async def _open(self, form: LoginForm) -> bool:
        """If no form appears by itself, dismiss the cookie banner, then press "Log in".

        Whether something was pressed that may lead to another page.
        """
        if not self._has_cleared:
            self._has_cleared = True
            await calmly(look_at(self.visit, []))  # marks the button
            await calmly(self.visit.page.evaluate(PRESS_BANNER))
        elif (opener := form.part("opener")) and len(self._opened) < MOST_OPENED:
            try:
                text = await opener.inner_text(timeout=OPENER_SECONDS * 1000)
            except PlaywrightError:
                return False  # it was drawn anew: the next look finds it
            if text not in self._opened:
                self._opened.add(text)
                await calmly(press_through(self.visit, opener))
                return True
        return False

    async def _look(self) -> LoginForm:
        if self.part.password is None:
            return await look_for_form(self.visit)
        box = await calmly(look_in_frames(self.visit, [self.part.password]))
        if box is None:
            form = await look_for_form(self.visit)
            return LoginForm() if form.kind == "password" else form
        handle = await box.element_handle()
        frame = await handle.owner_frame()
        found = await calmly(form_in(self.visit, frame, handle)) if frame else None
        return found or LoginForm()

    async def _ask_for_password(self, form: LoginForm) -> None:
        """Fill in a page that asks for the user alone, and go on to the password."""
        user, button = form.part("user"), form.part("button")
        if user is None:
            return
        self._before = await glance(self.visit, marks_for(self.visit, LOOKS_AT_ANSWER)) or {}
        await user.fill(self.visit.login.email)
        self.has_typed = True
        if self.part.next is not None:
            await (await find(self.visit, [self.part.next], "login.next")).click()
            return
        await leave(form)
        if (await self._look()).kind == "password":  # it came as the user was typed
            return
        if button is not None:
            await press_through(self.visit, button)
        else:
            await user.press("Enter")

    async def _refuse_if_marked(self) -> None:
        """Raise PortalError if the page says that the user is unknown or refused."""
        marks = marks_for(self.visit, LOOKS_AT_ANSWER)
        seen = await glance(self.visit, marks) or {}
        for mark in marks:
            if counted(mark, seen, self._before):
                refuse(self.visit, mark)

    async def _nothing_found(self, form: LoginForm, limit: float) -> PortalError:
        if form.against:
            return PortalError(Code.NAVIGATION, REASONS[form.against])
        names = str(self.part.password) if self.part.password else failures.PASSWORD_BOX
        what = "login.password"
        summary = failures.NOT_SHOWN.format(what=what, names=names, limit=f"{limit:g}")
        return PortalError(Code.NAVIGATION, summary + await what_is_there(self.visit))


async def what_is_there(visit: Visit) -> Text:
    """What may explain that there is no form: it comes from elsewhere, or BankID is wanted."""
    said: Text = ""
    for frame in visit.page.frames[1:]:
        if frame.url.startswith("http") and not visit.may_have_password(frame.url):
            said += failures.FRAME_ELSEWHERE.format(site=site(frame.url))
            break
    blocked = [host for host in visit.proxy.refused if not visit.plan.permits(host)]
    if blocked:
        said += failures.BLOCKED_HOSTS.format(hosts=", ".join(blocked[:MOST_NAMED]))
    page = await calmly(look_at(visit, [])) or {"controls": []}
    names = [
        cut(" ".join(text.split()), LONGEST_NAME) for text in page["controls"] if text.strip()
    ]
    if names:
        quoted = ", ".join(f"“{name}”" for name in names[:MOST_NAMED])
        said += failures.OFFERED.format(names=quoted)
    return said
