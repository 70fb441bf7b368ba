"""Finds the login form on the page or in one of its frames, and fills in the user's part of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from bills.browser.page_errors import cut
from bills.browser.sites import site
from bills.portals import failures
from bills.portals.failures import Code, PortalError
from bills.portals.logins.covers import press_through
from bills.portals.logins.scripts import FIND_FORM, FINDS_AGAIN, FORM_WORDS, NAMES_USER
from bills.portals.logins.signs import counted, glance, look_at, marks_for, refuse
from bills.portals.targets import LOOK_SECONDS, calmly, find, look_in_frames

if TYPE_CHECKING:
    from playwright.async_api import ElementHandle, Frame

    from bills.browser.visit import Visit
    from bills.portals.logins.signs import Seen
    from imports.messages import Text

MOST_OPENED = 3  # buttons: "My pages", "Log in", "With a password"
MOST_NAMED = 5  # hosts or buttons, in a sentence
LONGEST_NAME = 40
MASK = re.compile(r"[*\u2022\u00b7\u25cf]+")
OPEN_AFTER_SECONDS = 1.5  # a form that is still to come is waited for before a button is pressed
LOOKS_AT_ANSWER = ("locked", "captcha", "rate_limited", "maintenance", "code", "refused")
PRESS_BANNER = """() => {
  const button = document.querySelector("[data-redrive-banner]");
  if (button) button.click();
}"""
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
    that must not stay empty; `is_ambiguous`, that two forms are equally likely.
    """

    kind: str = "none"
    against: str = ""
    extra: str = ""
    is_ambiguous: bool = False
    password: ElementHandle | None = None
    user: ElementHandle | None = None
    user_is_fixed: bool = False  # it shows the user, and cannot be written in
    code: ElementHandle | None = None  # for a one-time code, beside the password
    needs_code: bool = False
    button: ElementHandle | None = None
    opener: ElementHandle | None = None


RANK = ("password", "user", "open", "none")


async def look_for_form(visit: Visit) -> LoginForm:
    """The likeliest form of those in all frames that may be told the password."""
    found = [LoginForm()]
    for frame in visit.frames():
        form = await calmly(form_in(frame))
        if form is not None:
            found.append(form)
    refusals = [form.against for form in found if form.against]
    best = min(found, key=lambda form: RANK.index(form.kind))
    if best.kind == "none" and refusals:
        return LoginForm(against=refusals[0])
    return best


async def form_in(frame: Frame, given: ElementHandle | None = None) -> LoginForm:
    """The form in this frame; that of the box `given`, where the recipe names one."""
    answer = await frame.evaluate_handle(FIND_FORM, [FORM_WORDS, given])
    parts = await answer.get_properties()
    facts: dict[str, Any] = await parts["facts"].json_value()
    return LoginForm(
        kind=facts["kind"],
        against=facts["against"],
        extra=facts["extra"],
        is_ambiguous=facts["ambiguous"],
        password=parts["password"].as_element(),
        user=parts["user"].as_element(),
        user_is_fixed=facts["typed"],
        code=parts["code"].as_element(),
        needs_code=facts["needsCode"],
        button=parts["button"].as_element(),
        opener=parts["opener"].as_element(),
    )


@dataclass(frozen=True, slots=True)
class Again:
    """What another look at the form found. `holds` are the characters in the password's box."""

    is_same: bool = False
    holds: int | None = None
    most: int = -1  # characters that the box takes; -1: any number

    def holds_all(self, password: str) -> bool:
        """Whether the box holds what a person could have typed into it; true if nobody knows."""
        length = len(password.encode("utf-16-le")) // 2  # as JavaScript counts
        return self.holds is None or self.holds == (
            length if self.most < 0 else min(length, self.most)
        )


async def look_again(
    form: LoginForm, box: ElementHandle | None, *, is_given: bool = False
) -> Again:
    """Whether another look would find this box and the form's button once more."""
    if box is None:
        return Again()
    try:
        seen = await box.evaluate(FINDS_AGAIN, [FORM_WORDS, is_given, form.button])
    except PlaywrightError:  # it came from another page, or that page is gone
        return Again()
    return Again(seen["isSame"], seen["holds"], seen["most"])


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
        if form.user is not None and self.part.email is None and not form.user_is_fixed:
            await form.user.fill(self.visit.login.email)
            await form.user.evaluate("box => box.blur()")  # some pages draw the form anew then
            self.has_typed = True
        elif not self.has_typed:
            await self._check_user(form)
        return form

    async def _check_user(self, form: LoginForm) -> None:
        """Raise PortalError unless the form, which takes no user, is this user's."""
        user = self.visit.login.email
        if form.user_is_fixed and form.user is not None:
            if not is_masked_as(await form.user.input_value(), user):
                raise PortalError(Code.NAVIGATION, failures.OTHER_USER)
        elif form.password is None or not await form.password.evaluate(NAMES_USER, user):
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
        elif form.opener and len(self._opened) < MOST_OPENED:
            text = await calmly(form.opener.inner_text())
            if text is not None and text not in self._opened:
                self._opened.add(text)
                await calmly(press_through(self.visit, form.opener))
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
        found = await calmly(form_in(frame, handle)) if frame else None
        return found or LoginForm()

    async def _ask_for_password(self, form: LoginForm) -> None:
        """Fill in a page that asks for the user alone, and go on to the password."""
        if form.user is None:
            return
        self._before = await glance(self.visit, marks_for(self.visit, LOOKS_AT_ANSWER)) or {}
        await form.user.fill(self.visit.login.email)
        self.has_typed = True
        if self.part.next is not None:
            await (await find(self.visit, [self.part.next], "login.next")).click()
            return
        await calmly(form.user.evaluate("box => box.blur()"))
        if (await self._look()).kind == "password":  # it came as the user was typed
            return
        if form.button is not None:
            await press_through(self.visit, form.button)
        else:
            await form.user.press("Enter")

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
