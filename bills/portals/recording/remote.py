"""A person drives the page of a visit from afar, and each act is noted as a recipe needs it.

The rules are an attempt's: its hosts, its proxy, its dialogs. The password and codes are typed
only as the form is sent, on the login's own site, and counted before; no picture shows them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from playwright.async_api import Error as PlaywrightError

from bills.browser.page_errors import cut
from bills.browser.report import Stage
from bills.browser.screenshots import picture
from bills.portals.failures import Code, PortalError
from bills.portals.lists.listing import Listing
from bills.portals.lists.reading import Seen as SeenRow
from bills.portals.lists.reading import read_list
from bills.portals.logins.page import is_asking
from bills.portals.logins.signs import counted, glance, marks_for, success_marks
from bills.portals.recipe import asked_of
from bills.portals.recording import acts as say
from bills.portals.recording.acts import Act, Do, Gives, Kind, Typed, names_one_of
from bills.portals.recording.pointing import at_point, focused
from imports.http.redaction import scrub
from imports.messages import changed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Download, Page

    from bills.browser.visit import Visit
    from bills.portals.base import ListedBill
    from bills.portals.logins.signs import Mark, Seen
    from bills.portals.recording.acts import PlainTarget
    from bills.portals.recording.pointing import Pointed
    from imports.messages import Text

LOOK_SECONDS = 0.2  # between two looks for something to do
PICTURE_SECONDS = 1.0  # between two pictures of a page that nobody touches
SHOWN_AGAIN_SECONDS = 20.0  # a picture is kept for a short time only
REST_SECONDS = 4.0  # how long a page is waited for after an act
LEAST_SECONDS = 0.4
PRESS_SECONDS = 5.0
LONGEST_TITLE = 100
EXAMPLES = 5  # bills that are shown of a list
SCROLL_PIXELS = 500
KEYS = frozenset(("Enter", "Tab", "Escape", "ArrowDown", "ArrowUp", "Backspace"))


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that is asked for."""

    number: int
    do: str
    x: int = 0
    y: int = 0
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the act for the recipe, if it is one, and what there is to say."""

    act: dict[str, Any] | None = None
    message: Text = ""
    went_wrong: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What the page is now. `options` are those of the list that was pressed."""

    url: str = ""
    title: str = ""
    box: str = ""  # what the cursor stands in
    options: tuple[str, ...] = ()
    no_picture: str = ""


class Remote(Protocol):
    """Who drives. Each method is called in a thread of its own."""

    def next(self) -> Command | None:
        """What is asked for; None while there is nothing. Do.END ends the visit."""
        ...

    def done(self, command: Command, done: Done) -> None:
        """It was done, or could not be."""
        ...

    def show(self, png: bytes | None, view: View) -> None:
        """The page as it is now."""
        ...


def plain_act(act: Act, url: str, in_row: PlainTarget | None = None) -> dict[str, Any]:
    """The act as it is stored: `url` is where it led, `in_row` its name within a row."""
    return {**asdict(act), "url": url, "in_row": in_row or {}}


class Driver:
    """Does what `remote` asks for on the visit's page."""

    def __init__(self, visit: Visit, remote: Remote) -> None:
        self.visit, self.remote = visit, remote
        self._pending: Pending | None = None
        self._options: tuple[str, ...] = ()
        self._list_box: Pointed | None = None  # the select box that was pressed
        self._documents = 0
        self._shown: tuple[bytes | None, View] | None = None
        self._shown_at = 0.0
        self._before: Seen = {}
        self._was_sent = self._is_refused = self._is_in = False
        visit.context.on("page", self._hear)
        self._hear(visit.page)

    def _hear(self, page: Page) -> None:
        page.on("download", self._on_download)

    async def _on_download(self, download: Download) -> None:
        """A document came: it is noted, and thrown away."""
        self._documents += 1
        with contextlib.suppress(PlaywrightError):
            await download.cancel()
            await download.delete()

    async def run(self) -> None:
        """Until somebody ends it. Raises PortalError where the password was sent in vain."""
        visit = self.visit
        await visit.goto(visit.plan.login_url)
        await visit.enter(Stage.LOGIN)
        while True:
            command = await asyncio.to_thread(self.remote.next)
            if command is None:
                await self._show()
                await asyncio.sleep(LOOK_SECONDS)
                continue
            if command.do == Do.END:
                break
            done = await self._do(command)
            said = changed(done.message, lambda part: scrub(part, visit.secrets))
            await asyncio.to_thread(self.remote.done, command, replace(done, message=said))
            await self._show(at_once=True)
        if visit.report.password_submissions and not self._is_in:
            raise PortalError(Code.LOGIN_FAILED if self._is_refused else Code.UNRECOGNISED_PAGE)

    async def _do(self, command: Command) -> Done:
        handler = getattr(self, f"_do_{command.do}", None)
        if handler is None:
            return Done(message=say.NOTHING_THERE, went_wrong=True)
        was_refused = self._is_refused
        try:
            done: Done = await handler(command)
            await self._judge_password()
        except PortalError as refusal:
            return Done(message=refusal.message, went_wrong=True)
        except (PlaywrightError, TimeoutError):
            return Done(message=say.GONE, went_wrong=True)
        if self._is_refused and not was_refused:
            return replace(done, message=say.WAS_REFUSED)
        return done

    # Pressing

    async def _do_click(self, command: Command) -> Done:
        found = await at_point(self.visit.page, command.x, command.y, self._avoided)
        if found is None:
            return Done(message=say.NOTHING_THERE, went_wrong=True)
        self._options, self._list_box = (), None
        if found.facts["tag"] == "select":  # its list opens outside the page, in no picture
            self._options, self._list_box = tuple(found.facts["options"]), found
            await found.element.focus()
            return Done()
        if found.facts["isBox"]:
            await self.visit.page.mouse.click(command.x, command.y)
            return Done()
        kind = Kind.CHECK if found.facts["isTicked"] else Kind.CLICK
        press = partial(self.visit.page.mouse.click, command.x, command.y)
        return await self._pressed(Act(kind, found.target), press, self._in_row(found))

    async def _do_key(self, command: Command) -> Done:
        """A key. Enter on a link or a button presses it, as a click does."""
        if command.text not in KEYS:
            return Done(message=say.NOTHING_THERE, went_wrong=True)
        page = self.visit.page
        if command.text != "Enter":
            await page.keyboard.press(command.text)
            await self._rest()
            return Done()
        act, in_row = Act(Kind.PRESS, value=command.text), None
        found = await focused(page, self._avoided)
        if found is not None and not found.facts["isBox"]:
            act, in_row = Act(Kind.CLICK, found.target), self._in_row(found)
        return await self._pressed(act, partial(page.keyboard.press, command.text), in_row)

    def _in_row(self, found: Pointed) -> PlainTarget:
        return found.alike if found.facts["inRow"] else {}

    async def _pressed(
        self, act: Act, press: Callable[[], Awaitable[None]], in_row: PlainTarget | None = None
    ) -> Done:
        """Type what waits for it, press, and see what came of it."""
        documents, page = self._documents, str(len(self.visit.context.pages))
        await self._type_pending()
        async with asyncio.timeout(PRESS_SECONDS):
            await press()
        await self._rest()
        visit = self.visit
        message: Text = ""
        if self._documents > documents:
            act, message = replace(act, gives=Gives.DOCUMENT), say.GAVE_DOCUMENT
            visit.windows.clear()
        elif visit.follow_window():
            act = replace(act, gives=Gives.WINDOW)
            await self._rest()
        act = replace(act, page=page)
        return Done(plain_act(act, self._url(), in_row), self._trouble() or message)

    async def _rest(self) -> None:
        """Wait until the page has answered."""
        visit, began = self.visit, time.monotonic()
        await asyncio.sleep(LEAST_SECONDS)
        while time.monotonic() - began < REST_SECONDS:
            if not visit.is_waiting and not visit.open_requests:
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _trouble(self) -> Text:
        """What the portal did that an attempt would fail of."""
        try:
            self.visit.check_site()
        except PortalError as error:
            self.visit.forget_where_it_led()
            return error.message
        return ""

    async def _do_scroll(self, command: Command) -> Done:
        await self.visit.page.mouse.move(640, 360)
        await self.visit.page.mouse.wheel(
            0, -SCROLL_PIXELS if command.text == "up" else SCROLL_PIXELS
        )
        return Done()

    async def _do_back(self, command: Command) -> Done:
        await self.visit.page.go_back(wait_until="domcontentloaded")
        await self._rest()
        return Done(message=say.IS_BACK)

    # Typing

    @property
    def _avoided(self) -> tuple[str, ...]:
        """What no target may name: it belongs to this account alone."""
        login = self.visit.login
        return (login.email, *login.extra.values(), *self.visit.secrets)

    async def _box(self) -> Pointed | None:
        found = await focused(self.visit.page, self._avoided)
        return found if found is not None and found.facts["isBox"] else None

    async def _do_text(self, command: Command) -> Done:
        box = await self._box()
        if box is None:
            return Done(message=say.NO_BOX, went_wrong=True)
        if box.facts["isPassword"]:
            return Done(message=say.USE_BUTTON, went_wrong=True)
        await box.element.fill(command.text)
        return Done(plain_act(Act(Kind.FILL, box.target), self._url()))

    async def _do_user(self, command: Command) -> Done:
        box = await self._box()
        if box is None or box.facts["isPassword"]:
            return Done(message=say.NO_BOX, went_wrong=True)
        await box.element.fill(self.visit.login.email)
        return Done(plain_act(Act(Kind.FILL, box.target, typed=Typed.USER), self._url()))

    async def _do_password(self, command: Command) -> Done:
        return await self._will_type(Typed.PASSWORD, "")

    async def _do_code(self, command: Command) -> Done:
        if not (command.text or self.visit.login.totp):
            return Done(message=say.CODE_IS_MISSING, went_wrong=True)
        return await self._will_type(Typed.CODE, command.text)

    async def _will_type(self, typed: Typed, code: str) -> Done:
        """Note the box: taking a picture would empty it again."""
        box = await self._box()
        if box is None:
            return Done(message=say.NO_BOX, went_wrong=True)
        self._pending = Pending(box, typed, code)
        act = Act(Kind.FILL, box.target, typed=typed)
        return Done(plain_act(act, self._url()), say.TYPED_WHEN_SENT)

    async def _type_pending(self) -> None:
        """Type what waits for the form to be sent. Raises PortalError where it must not be."""
        pending, self._pending = self._pending, None
        if pending is None:
            return
        visit = self.visit
        if pending.typed is Typed.CODE:
            await visit.type_code([pending.box.element], pending.code or await self._own_code())
            return
        marks = [*self._marks(), *success_marks(visit)]
        self._before = await glance(visit, marks) or {}
        self._is_in = self._is_refused = False
        await visit.type_password(pending.box.element)
        self._was_sent = True
        await visit.enter(Stage.JUDGE)

    async def _own_code(self) -> str:
        """The code of the account's authenticator app, in a window that nobody has used."""
        totp, codes = self.visit.login.totp, self.visit.codes
        while totp is not None and codes is not None:
            window = totp.window(time.time())
            if await asyncio.to_thread(codes.may_use, window):
                return totp.code(window)
            await asyncio.sleep(LOOK_SECONDS)
        raise PortalError(Code.OTP_NEEDED)

    async def _do_choose(self, command: Command) -> Done:
        box = self._list_box
        if box is None or command.text not in self._options:
            return Done(message=say.GONE, went_wrong=True)
        await box.element.select_option(label=command.text)
        self._options, self._list_box = (), None
        await self._rest()
        act = Act(Kind.SELECT, box.target, value=command.text)
        return Done(plain_act(act, self._url()), self._trouble())

    # What the page means

    def _marks(self) -> list[Mark]:
        return marks_for(self.visit, ("refused", "locked"))

    async def _judge_password(self) -> None:
        """What the page says of the password, as an attempt judges it where a recipe is silent."""
        if not self._was_sent or self._is_in or self._is_refused:
            return
        visit, marks, success = self.visit, self._marks(), success_marks(self.visit)
        seen = await glance(visit, [*marks, *success]) or {}
        self._is_refused = any(counted(mark, seen, self._before) for mark in marks)
        lets_in = any(counted(mark, seen, self._before) for mark in success)
        if lets_in and not self._is_refused and not await is_asking(visit):
            await self._note_in()

    async def _note_in(self) -> None:
        self._is_in, self._is_refused = True, False
        await self.visit.enter(Stage.LIST)

    async def _do_logged_in(self, command: Command) -> Done:
        visit = self.visit
        await self._note_in()
        if await glance(visit, success_marks(visit)):
            return Done(message=say.KNOWN_AS_IN)
        for heading in await visit.page.get_by_role("heading").all_inner_texts():
            text = " ".join(heading.split())
            is_own = names_one_of(self._avoided, text) or any(map(str.isdigit, text))
            if text and len(text) <= LONGEST_TITLE and not is_own:
                act = Act(Kind.SEE, {"text": text})
                return Done(plain_act(act, self._url()), say.SIGN_OF_IN.format(text=text))
        return Done(message=say.NO_SIGN)

    async def _do_list(self, command: Command) -> Done:
        await self._note_in()
        act = plain_act(Act(Kind.GOTO, value=self._url()), self._url())
        try:
            bills = await self._bills()
        except PortalError as error:
            return Done(act, error.message)
        if not bills:
            return Done(act, say.NOT_LISTED)
        examples = "; ".join(bills[:EXAMPLES])
        return Done(act, say.LISTED.format(n=len(bills), bills=examples))

    async def _bills(self) -> list[str]:
        """What Redrive reads of the list that is shown, by itself."""
        listing = Listing(self.visit)
        rows = await listing.settled()
        links = await listing.links(rows)
        seen = [
            SeenRow(
                row, None, row.index in links, links.get(row.index, ""), lang=listing.sheet.lang
            )
            for row in rows
        ]
        found = read_list(seen, asked_of(self.visit)).bills
        return [_in_short(bill) for bill in found]

    # What is shown

    def _url(self) -> str:
        return scrub(self.visit.page.url, self.visit.secrets)

    async def _show(self, *, at_once: bool = False) -> None:
        """A picture, where it is time for one and it is another."""
        now = time.monotonic()
        if not at_once and now - self._shown_at < PICTURE_SECONDS:
            return
        png, why = await picture(self.visit.page, self.visit.secrets)
        view = await self._view(why)
        is_new = self._shown != (png, view)
        if is_new or now - self._shown_at > SHOWN_AGAIN_SECONDS:
            self._shown, self._shown_at = (png, view), now
            await asyncio.to_thread(self.remote.show, png, view)

    async def _view(self, why: str) -> View:
        page, box, title = self.visit.page, None, ""
        with contextlib.suppress(PlaywrightError):
            box = await self._box()
            title = await page.title()
        named = next(iter(box.target.values()), "") if box is not None else ""
        title = cut(scrub(" ".join(title.split()), self.visit.secrets), LONGEST_TITLE)
        return View(self._url(), title, named, self._options, why)


def _in_short(bill: ListedBill) -> str:
    parts = (bill.number, bill.date or bill.date_text, bill.amount)
    return " ".join(str(part) for part in parts if part)


@dataclass(frozen=True, slots=True)
class Pending:
    """What is typed as the form is sent."""

    box: Pointed
    typed: Typed
    code: str = field(default="", repr=False)
