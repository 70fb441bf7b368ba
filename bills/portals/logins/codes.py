"""Answers a page that asks for a one-time code: by the account's TOTP secret, or by asking people.

The code is typed like the password: only on the login's own site, into a form that stays there.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from bills.browser.page_errors import cut
from bills.browser.report import Stage
from bills.portals import failures
from bills.portals.failures import Code, PortalError
from bills.portals.logins import phrases
from bills.portals.logins.scripts import CODE_WORDS, FIND_CODE
from bills.portals.logins.signs import Mark, glance, look_at, marks_for, race
from bills.portals.targets import LOOK_SECONDS, calmly, look_in_frames
from imports.http.redaction import scrub

if TYPE_CHECKING:
    from playwright.async_api import ElementHandle, Frame

    from bills.browser.plan import CodeSource
    from bills.browser.visit import Visit
    from bills.portals.logins.signs import Seen

MOST_CODES = {True: 2, False: 3}  # of one attempt: of a TOTP secret, of people
SPARE_SECONDS = 3.0  # a TOTP code that ends sooner may come too late
ASK_SECONDS = 1.0  # between two looks for an answer
BOX_SECONDS = 10.0  # how long the code's box is waited for
SEND_AFTER_SECONDS = 1.5  # a box that is still to come is waited for before a button is pressed
LONGEST_HINT = 200  # characters


@dataclass(frozen=True, slots=True)
class CodeForm:
    """Where a page wants a code. Several boxes take one letter each."""

    boxes: tuple[ElementHandle, ...] = ()
    button: ElementHandle | None = None
    send: ElementHandle | None = None
    remember: ElementHandle | None = None


@dataclass(slots=True)
class CodeEntry:
    """All the codes of one attempt."""

    visit: Visit
    typed: int = 0
    _asked: Seen = field(default_factory=dict)  # how the page that got a code had asked for it
    _has_sent: bool = False

    def marks(self) -> list[Mark]:
        """What says that a code is asked for: after one was typed, also that it was wrong."""
        found = marks_for(self.visit, ("code",))
        if self.typed:
            spoken = phrases.outcome_patterns("wrong_code")
            found += [Mark("code", phrase=text, language=name) for name, text in spoken.items()]
        return found

    async def enter(self) -> None:
        """Type a code and send it; returns when the page has answered.

        Raises PortalError OTP_NEEDED where there is no code, or the portal refuses it.
        """
        visit = self.visit
        most = MOST_CODES[visit.login.totp is not None]
        if self.typed >= most:
            raise PortalError(Code.OTP_NEEDED, failures.CODE_REFUSED.format(n=self.typed))
        source = visit.codes
        if source is None:
            raise PortalError(Code.OTP_NEEDED)
        form = await self._form()
        code = await self._code(source)
        again = await calmly(form_on(visit)) or form  # the page may be another one by now
        await self._type(again if again.boxes else form, code)

    async def beside_password(self, *, is_needed: bool) -> str:
        """The code that a login form wants together with the password; "" where it can go without.

        Raises PortalError OTP_NEEDED before the password is typed.
        """
        if self.visit.login.totp is None and not is_needed:
            return ""
        source = self.visit.codes
        if source is None:
            raise PortalError(Code.OTP_NEEDED)
        code = await self._code(source)
        self.typed += 1
        self.visit.report.codes_typed += 1
        return code

    async def _form(self) -> CodeForm:
        """The page's form; where a code must be sent first, that is asked for, once."""
        visit = self.visit
        begins_at = visit.clock()
        while visit.clock() < begins_at + BOX_SECONDS:
            visit.check_site()
            form = None if visit.is_waiting else await calmly(form_on(visit))
            if form is not None and form.boxes:
                return form
            is_late = visit.clock() > begins_at + SEND_AFTER_SECONDS
            if form is not None and form.send and is_late and not self._has_sent:
                self._has_sent = True
                await form.send.click(no_wait_after=True)
            await visit.pause(LOOK_SECONDS)
        reason = failures.CODE_REFUSED.format(n=self.typed) if self.typed else failures.NO_CODE_BOX
        raise PortalError(Code.OTP_NEEDED, reason)

    async def _code(self, source: CodeSource) -> str:
        if self.visit.login.totp is not None:
            return await self._by_secret(source)
        return await self._by_people(source)

    async def _by_secret(self, source: CodeSource) -> str:
        """The code of the present time window, or of the next that nobody has used."""
        totp = self.visit.login.totp
        assert totp is not None  # noqa: S101 - for the type checker
        while True:
            now = time.time()
            if totp.seconds_left(now) >= SPARE_SECONDS:
                window = totp.window(now)
                if await asyncio.to_thread(source.may_use, window):
                    return totp.code(window)
            await asyncio.sleep(totp.seconds_left(time.time()) + 0.1)

    async def _by_people(self, source: CodeSource) -> str:
        """What an operator types; the attempt's clock stands still meanwhile."""
        visit = self.visit
        hint = await calmly(hint_of(visit)) or ""
        seconds = await asyncio.to_thread(source.ask, hint)
        if not seconds:
            raise PortalError(Code.OTP_NEEDED)
        await visit.enter(Stage.CODE)
        ends_at = time.monotonic() + seconds
        with visit.standing_still():
            while time.monotonic() < ends_at:
                if code := await asyncio.to_thread(source.answer):
                    return code
                await asyncio.sleep(ASK_SECONDS)
        visit.report.waits_in_vain = True
        minutes = max(1, round(seconds / 60))
        raise PortalError(Code.OTP_NEEDED, failures.NO_CODE_CAME.format(n=minutes))

    async def _type(self, form: CodeForm, code: str) -> None:
        visit = self.visit
        self.typed += 1
        visit.report.codes_typed += 1
        if visit.report.stage is Stage.CODE:
            await visit.enter(Stage.JUDGE)
        if form.remember is not None and visit.plan.keeps_devices:
            await calmly(form.remember.check())
        seen = await glance(visit, self.marks()) or {}
        self._asked = {mark: texts for mark, texts in seen.items() if mark.outcome == "code"}
        await visit.type_code(form.boxes, code)
        await _send(form)
        await self._wait_for_answer(form)

    async def _wait_for_answer(self, form: CodeForm) -> None:
        """Until the box is gone or emptied, or the page says something else than before."""
        box, limit = form.boxes[0], self.visit.plan.recipe.login.answer_seconds

        async def is_gone() -> bool:
            try:
                return not await box.evaluate(
                    "box => box.isConnected && box.checkVisibility() && box.value !== ''"
                )
            except PlaywrightError:
                return True  # with the page that it stood on

        others = [mark for mark in marks_for(self.visit) if mark.outcome != "code"]
        marks = [*self.marks(), *others]
        await race(self.visit, marks, limit=limit, ignored=self._asked, sooner=is_gone)


async def _send(form: CodeForm) -> None:
    """Press the form's button; Enter where it has none. Some pages send it by themselves."""
    try:
        if form.button is not None:
            await form.button.click(no_wait_after=True, timeout=3000)
        else:
            await form.boxes[-1].press("Enter", no_wait_after=True)
    except PlaywrightError:
        return  # what came of it shows on the page


async def form_on(visit: Visit) -> CodeForm:
    """What the recipe names, else the first frame with a box for a code."""
    part = visit.plan.recipe.login.code
    given = None
    if part.box is not None:
        found = await look_in_frames(visit, [part.box])
        given = await found.element_handle() if found is not None else None
        if given is None:
            return CodeForm(send=await _named(visit, "send"))
    best = CodeForm()
    for frame in visit.frames():
        form = await calmly(form_in(frame, given)) if _is_in(given, frame) else None
        if form is not None and (form.boxes or (form.send and not best.send)):
            best = form
        if best.boxes:
            break
    named = [await _named(visit, name) for name in ("submit", "send", "remember")]
    return CodeForm(
        best.boxes, named[0] or best.button, named[1] or best.send, named[2] or best.remember
    )


def _is_in(given: ElementHandle | None, frame: Frame) -> bool:
    """Only the page itself can be handed a box that the recipe has named there."""
    return given is None or frame.parent_frame is None


async def _named(visit: Visit, name: str) -> ElementHandle | None:
    target = getattr(visit.plan.recipe.login.code, name)
    found = await look_in_frames(visit, [target]) if target is not None else None
    return await found.element_handle() if found is not None else None


async def form_in(frame: Frame, given: ElementHandle | None = None) -> CodeForm:
    """The form in this frame."""
    answer = await frame.evaluate_handle(FIND_CODE, [CODE_WORDS, given])
    parts = await answer.get_properties()
    boxes = [each.as_element() for each in (await parts["boxes"].get_properties()).values()]
    return CodeForm(
        boxes=tuple(box for box in boxes if box is not None),
        button=parts["button"].as_element(),
        send=parts["send"].as_element(),
        remember=parts["remember"].as_element(),
    )


async def hint_of(visit: Visit) -> str:
    """The page's sentence about the code: where it was sent."""
    page = await look_at(visit, [])
    lines = [" ".join(line.split()) for line in page["text"].splitlines()]
    asks = [
        line
        for line in lines
        for pattern in phrases.outcome_patterns("code").values()
        if phrases.compiled(pattern).search(line.lower())
    ]
    return cut(scrub(asks[0], visit.secrets), LONGEST_HINT) if asks else ""


def asks_for_code(mark: Mark | None) -> bool:
    """Whether the page wants a one-time code."""
    return mark is not None and mark.outcome == "code"
