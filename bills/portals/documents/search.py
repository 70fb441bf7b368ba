"""Follows one bill from its row to its file: over links, buttons, dialogs, windows and pages."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.async_api import Error as PlaywrightError

from bills.browser.document_files import ZIP_STARTS
from bills.browser.downloads import (
    CameAPage,
    Catch,
    broken_off,
    fetch_file,
    inside_data_url,
    looks_like_pdf,
    refuse_foreign,
    save,
    save_blob,
)
from bills.portals import failures
from bills.portals.documents.links import (
    OF_ONE,
    OF_PAGE,
    REMEMBER,
    DocumentLink,
    Where,
    groups_of,
    has_number,
    is_of_another,
    link_from,
)
from bills.portals.documents.pages import PageText, reason_of, text_in, text_of
from bills.portals.documents.scene import Offers, OnPage, Scene, close_dialog, print_page
from bills.portals.documents.words import Says, Way, says, words_of
from bills.portals.failures import Code, PortalError
from bills.portals.logins.covers import press_through
from bills.portals.targets import LOOK_SECONDS, calmly, calmly_look, do_steps

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from playwright.async_api import Download, Locator, Page, Response

    from bills.browser.visit import Visit
    from bills.portals.base import ListedBill
    from bills.portals.documents.scene import Finder

GRACE_SECONDS = 3.0  # after something came, and then nothing: some pages start downloads late
STEADY_SECONDS = 0.3  # for so long a link must stay the same: dialogs are filled in late
BUSY_SECONDS = 2.0  # pages that never stop asking must not hold up what they show
DRAWN_SECONDS = 0.75  # a script that has fetched a PDF usually saves it at once
QUIET_SECONDS = 0.2  # after a file has come: so soon a second one of the same press begins
OTHERS_SECONDS = 1.0
DEEPEST = 3  # row, page, another page
MOST_LINKS = 4  # that are fetched to see whether they are one document
NOTE_PRINT = "window.print = () => { window.redrivePrints = true; };"
A_DOWNLOAD = re.compile(r"Download is starting|ERR_ABORTED")  # in place of a page
ASKS_FOR_PRINT = "() => !!window.redrivePrints"


class DocumentSearch:
    """One bill's search. Its file is saved at `target`; what it is, others check."""

    def __init__(self, visit: Visit, bill: ListedBill, target: Path, offers: Offers) -> None:
        self.visit, self.bill, self.target, self.offers = visit, bill, target, offers
        self.recipe = visit.plan.recipe.bills
        self.others = offers.numbers - {bill.number}
        self.is_document_pressed = False

    # From the row

    async def from_links(self, links: Sequence[DocumentLink], row: Finder) -> bool:
        """Follow the likeliest of a row's links; False where none sounds like a document."""
        reason: PortalError | None = None
        tried: DocumentLink | None = None
        for group in groups_of(links, self.bill.number):
            if tried is not None and not self._may_stand_in(group[0], tried):
                break
            tried = group[0]
            try:
                await self._follow_group(group, row, depth=0)
            except PortalError as failure:
                if failure.code is not Code.DOWNLOAD_BAD:
                    raise
                reason = reason or failure
            else:
                return True
        if reason is not None:
            raise reason
        return False

    def _may_stand_in(self, link: DocumentLink, failed: DocumentLink) -> bool:
        """Whether a link may be tried where a likelier one led to no file: not for the invoice."""
        return link.says is failed.says or failed.way is not Way.FILE

    async def _follow_group(self, group: list[DocumentLink], row: Finder, depth: int) -> None:
        """Of links that the words don't tell apart: all must lead to one and the same file."""
        if len(group) == 1:
            await self._follow(group[0], row, depth)
            return
        if len(group) > MOST_LINKS or not all(link.address for link in group):
            raise self.unclear(group)
        found: dict[bytes, Path] = {}
        places = [self.target.with_name(f"{self.target.name}.{n}") for n in range(len(group))]
        try:
            for link, place in zip(group, places, strict=True):
                with contextlib.suppress(CameAPage):
                    await fetch_file(self.visit, link.address, place)
                    content = await asyncio.to_thread(place.read_bytes)
                    if looks_like_pdf(content) or content.startswith(ZIP_STARTS):
                        found[hashlib.sha256(content).digest()] = place
            if len(found) != 1:
                raise self.unclear(group)
            next(iter(found.values())).replace(self.target)
        finally:
            for place in places:
                place.unlink(missing_ok=True)

    async def _follow(self, link: DocumentLink, row: Finder, depth: int) -> None:
        if link.address:
            await self.from_address(link.address, depth)
        else:
            await self.press(await row.locate(link), depth=depth)

    def unclear(self, links: Sequence[DocumentLink]) -> PortalError:
        """The question which of the links is the bill's."""
        names = ", ".join(f'"{link.shown}"' for link in links[:10])
        return PortalError(
            Code.DOCUMENT_UNCLEAR, failures.SEVERAL_DOCUMENTS.format(bill=self.bill, names=names)
        )

    # From an address

    async def from_address(self, address: str, depth: int = 0, referer: str = "") -> None:
        """Save what is behind an address, or what the page there leads to."""
        try:
            await fetch_file(self.visit, address, self.target, referer)
        except CameAPage as came:
            page = text_in(came.html)
            reason = reason_of(page, came.status)
            if depth >= DEEPEST or (
                reason.code is not Code.DOWNLOAD_BAD and not page.has_documents
            ):
                raise reason from None
            try:
                await self._open(address, depth + 1)
            except PortalError as failure:
                # What the page said at first is the better reason: the second time it may differ.
                if failure.code is Code.DOWNLOAD_BAD and reason.code is not Code.DOWNLOAD_BAD:
                    raise reason from None
                raise

    async def _open(self, address: str, depth: int) -> None:
        """Open a page in a window of its own, so that the list stays as it is."""
        visit = self.visit
        refuse_foreign(visit, address)
        page = await visit.context.new_page()
        catch = Catch(visit, page)
        try:
            await self._note_printing(page)
            try:
                await page.goto(address, referer=visit.page.url, wait_until="commit")
            except PlaywrightError as problem:
                if not A_DOWNLOAD.search(problem.message):
                    raise broken_off(problem, visit) from None
            await self._search(self._scene(page, catch, depth))
        finally:
            await catch.close()
            with contextlib.suppress(PlaywrightError):
                await page.close()

    # From a press

    async def press(self, link: Locator, page: Page | None = None, depth: int = 0) -> None:
        """Press something and save the document that comes of it, whichever way it comes."""
        href = await link.get_attribute("href") or ""
        if href.startswith("data:"):
            self.target.write_bytes(inside_data_url(href))
            return

        async def act() -> None:
            await press_through(self.visit, link)

        await self._after(act, page, depth)

    async def by_steps(self, row: Locator) -> None:
        """Do the recipe's `bills.open`: each target is sought in the row, then on what opened."""

        async def act() -> None:
            catch = self._catch

            def roots() -> list[Page | Locator]:
                newest = catch.newest
                return [row, newest] if newest is self.visit.page else [newest]

            await do_steps(self.visit, self.recipe.open, "bills.open", roots, self.values)

        await self._after(act, None, 0)

    @property
    def values(self) -> dict[str, str]:
        """What {number} and {date} stand for in this bill's steps."""
        return {"number": self.bill.number, "date": str(self.bill.date or "")}

    async def _after(
        self, act: Callable[[], Awaitable[None]], page: Page | None, depth: int
    ) -> None:
        """Do something to a page and search what comes of it."""
        page = page or self.visit.page
        is_list = page is self.visit.page
        before = await text_of(page) if is_list else PageText("", "")
        await self._note_printing(page)
        await page.evaluate(REMEMBER, depth == 0)
        self._catch = catch = Catch(self.visit, page)
        scene = self._scene(page, catch, depth)
        scene.is_list, scene.said_before = is_list, reason_of(before).code
        try:
            await act()
            await self._search(scene)
            if not depth:
                await self._tidy(scene)
        except BaseException:
            self.offers.is_stale = True
            raise
        finally:
            await catch.close()

    def _scene(self, page: Page, catch: Catch, depth: int) -> Scene:
        return Scene(page, catch, depth, began_at=asyncio.get_running_loop().time())

    # The search

    async def _search(self, scene: Scene) -> None:
        """Look at what came until a document is saved. Raises PortalError with the reason."""
        while True:
            self.visit.check_site()
            if await self._caught(scene):
                return
            group = await calmly(self._offered(scene)) or []
            if group and self._is_steady(scene, group):
                await self._take(scene, group)
                return
            if not group and await calmly(self._printed(scene)):
                return
            if self._gives_up(scene):
                raise await self._reason(scene)
            await scene.catch.pause(LOOK_SECONDS)

    async def _caught(self, scene: Scene) -> bool:
        """Save a file that came by itself."""
        catch = scene.catch
        if catch.downloads:
            await self._let_others_begin(catch)
            await save(self.visit, self._bill_among(catch), self.target, scene.page)
            return True
        blob = next((page.url for page in catch.popups if page.url.startswith("blob:")), "")
        if blob:
            await save_blob(scene.page, blob, self.target)
            return True
        if catch.drawn is not None and catch.quiet_seconds > DRAWN_SECONDS:
            await self._save_drawn(catch.drawn)
            return True
        return False

    async def _save_drawn(self, drawn: Response) -> None:
        """A viewer may have asked for parts: then the whole is fetched."""
        if drawn.status != 206:
            with contextlib.suppress(PlaywrightError):
                self.target.write_bytes(await drawn.body())
                return
        await fetch_file(self.visit, drawn.url, self.target)

    async def _let_others_begin(self, catch: Catch) -> None:
        """Some presses bring two files. The second must not be taken for the next bill's."""
        with contextlib.suppress(PlaywrightError):
            await catch.downloads[0].path()
        gives_up_at = asyncio.get_running_loop().time() + OTHERS_SECONDS
        while asyncio.get_running_loop().time() < gives_up_at:
            if catch.quiet_seconds > QUIET_SECONDS:
                return
            await catch.pause(LOOK_SECONDS)

    def _bill_among(self, catch: Catch) -> Download:
        """The one of several files whose name sounds most like a bill's. Raises PortalError."""
        if len(catch.downloads) == 1:
            return catch.downloads[0]
        meant = [says(words_of(each.suggested_filename)) for each in catch.downloads]
        best = [
            each
            for each, said in zip(catch.downloads, meant, strict=True)
            if said is min(meant) and said is not Says.NEVER
        ]
        if len(best) != 1:
            names = [DocumentLink("", each.suggested_filename) for each in catch.downloads]
            raise self.unclear(names)
        return best[0]

    async def _offered(self, scene: Scene) -> list[DocumentLink]:
        """The likeliest links on what is shown now; [] while there are none."""
        page = scene.catch.newest
        if self.recipe.document is not None:
            return [] if self.is_document_pressed else await self._given(page)
        summary = await page.evaluate(OF_PAGE)
        is_list = scene.is_list and summary["since"] and page is scene.page
        links = [link_from(link) for link in summary["links"]]
        scene.has_more = scene.has_more or (is_list and bool(links))
        usable = [link for link in links if self._is_ours(link, is_list=is_list)]
        # A link to a host that the recipe does not name is only followed, to say so, where it
        # is the only one: pages lead to many other sites.
        home = [link for link in usable if not link.address or self._is_permitted(link.address)]
        where = Where.NEW if summary["since"] else Where.PAGE
        groups = groups_of(home or usable, self.bill.number, where)
        groups = [group for group in groups if group[0].way is not Way.PRINT]
        return self._named(groups[0]) if groups else []

    async def _given(self, page: Page) -> list[DocumentLink]:
        """The recipe's own document, where it is shown and is not another bill's."""
        target = self.recipe.document
        found = await calmly_look(page, [target]) if target else None
        if found is None:
            return []
        link = link_from(await found.evaluate(OF_ONE))
        return [link] if link.is_ready and self._is_ours(link, is_list=True) else []

    def _is_permitted(self, address: str) -> bool:
        return self.visit.plan.permits(urlsplit(address).hostname or "")

    def _is_ours(self, link: DocumentLink, *, is_list: bool) -> bool:
        """Whether nothing says that the link is another bill's."""
        own = self.bill.number
        if is_of_another(f"{link.text} {link.label} {link.address}", own, self.others):
            return False
        if is_of_another(link.around, own, self.others):
            return False
        if link.address and link.address.rstrip("/") == self.visit.plan.billing_url.rstrip("/"):
            return False
        shown_for = self.offers.addresses.get(link.address) if link.address else None
        return not is_list or shown_for in (None, str(self.bill))

    def _named(self, group: list[DocumentLink]) -> list[DocumentLink]:
        """Of several those that name this bill, where any does."""
        own = self.bill.number
        if len(group) > 1:
            taken = self.offers.taken
            left = [x for x in group if taken.get(x.address, str(self.bill)) == str(self.bill)]
            group = left or group
        if len(group) < 2 or not own:
            return group
        near = [x for x in group if has_number(f"{x.text} {x.label} {x.address}", own)]
        return near or [x for x in group if has_number(x.around, own)] or group

    def _is_steady(self, scene: Scene, group: list[DocumentLink]) -> bool:
        """Whether the links have been the same for a while: a dialog may show the last bill's."""
        now = asyncio.get_running_loop().time()
        seen = (group[0].text, "\n".join(link.address for link in group))
        if seen != scene.candidate:
            scene.candidate, scene.candidate_since = seen, now
        if not scene.is_list and group[0].says is Says.BILL and group[0].way is Way.FILE:
            return True
        is_busy = not scene.catch.quiet_seconds and now - scene.began_at < BUSY_SECONDS
        return now - scene.candidate_since >= STEADY_SECONDS and not is_busy

    async def _take(self, scene: Scene, group: list[DocumentLink]) -> None:
        page = scene.catch.newest
        scene.dialog = group[0].in_dialog
        if scene.depth > DEEPEST:
            raise await self._reason(scene)
        self.is_document_pressed = self.recipe.document is not None
        for link in group:
            if link.address:
                seen = self.offers.addresses if scene.is_list else self.offers.taken
                seen.setdefault(link.address, str(self.bill))
        row = OnPage(page)
        if len(group) > 1:
            await self._follow_group(group, row, scene.depth)
        elif group[0].address:
            await self.from_address(group[0].address, scene.depth, page.url)
        else:
            await self.press(await row.locate(group[0]), page, scene.depth + 1)

    # Printing

    async def _note_printing(self, page: Page) -> None:
        """From now on pages tell whether they want to be printed; nothing is printed by itself."""
        if not self.offers.notes_printing:
            self.offers.notes_printing = True
            await self.visit.context.add_init_script(NOTE_PRINT)
        with contextlib.suppress(PlaywrightError):
            await page.evaluate(NOTE_PRINT)

    async def _printed(self, scene: Scene) -> bool:
        """Print the page where it is this bill's and nothing but printing is offered."""
        page = scene.catch.newest
        summary = await page.evaluate(OF_PAGE)
        if page is scene.page and scene.is_list and summary["since"]:
            return False
        if scene.catch.quiet_seconds < STEADY_SECONDS:
            return False
        if not self.recipe.printed and not await self._wants_print(page, summary["links"]):
            return False
        text = await text_of(page)
        if text.asks or reason_of(text).code is not Code.DOWNLOAD_BAD or not self._is_named(text):
            return False
        await print_page(page, self.target)
        self.visit.report.printed.add(self.target)
        return True

    async def _wants_print(self, page: Page, links: list[dict[str, object]]) -> bool:
        ways = [link_from(link).way for link in links]
        return Way.PRINT in ways or bool(await page.evaluate(ASKS_FOR_PRINT))

    def _is_named(self, text: PageText) -> bool:
        """Whether the page is proven to be this bill: by its number, else by its amount."""
        said, bill = f"{text.title}\n{text.text}", self.bill
        if is_of_another(said, bill.number, self.others):
            return False
        if bill.number:
            return has_number(said, bill.number)
        return bill.amount is not None and has_number(said, f"{abs(bill.amount):.2f}")

    # The end

    def _gives_up(self, scene: Scene) -> bool:
        now = asyncio.get_running_loop().time()
        if now - scene.began_at > self.visit.plan.recipe.login.answer_seconds:
            return True
        has_come = scene.catch.status or scene.catch.popups or scene.has_more or not scene.is_list
        return bool(has_come) and scene.catch.quiet_seconds > GRACE_SECONDS

    async def _reason(self, scene: Scene) -> PortalError:
        """Why there is no document, as the page that is shown says."""
        page = scene.catch.newest
        try:
            text = await text_of(page)
            since = await page.evaluate("() => !!window.redriveRemembers")
        except PlaywrightError:
            return PortalError(Code.DOWNLOAD_BAD, failures.NO_DOWNLOAD)
        if self.others and is_of_another(text.title, self.bill.number, self.others):
            other = next(n for n in self.others if has_number(text.title, n))
            return PortalError(
                Code.DOWNLOAD_BAD, failures.PAGE_OF_ANOTHER.format(other=other, bill=self.bill)
            )
        reason = reason_of(text, scene.catch.status or 200)
        is_list = scene.is_list and since and page is scene.page
        if is_list and reason.code is scene.said_before:
            asked = [one for one in self.visit.dialogs if one.kind == "confirm"]
            refused = asked and not asked[-1].accepted
            detail = failures.DIALOG_REFUSED.format(text=asked[-1].text) if refused else ""
            return PortalError(Code.DOWNLOAD_BAD, failures.NO_DOWNLOAD + detail)
        return reason

    async def _tidy(self, scene: Scene) -> None:
        """Leave the list as it was: close what opened, else have the list opened again."""
        if self.recipe.close and scene.is_list:
            roots: list[Page | Locator] = [scene.page]
            await do_steps(
                self.visit, self.recipe.close, "bills.close", lambda: roots, self.values
            )
            return
        if not scene.is_list or not scene.dialog:
            return
        try:
            self.offers.is_stale = not await close_dialog(scene.page)
        except PlaywrightError:
            self.offers.is_stale = True


async def save_document(
    visit: Visit,
    bill: ListedBill,
    target: Path,
    *,
    link: Locator | None = None,
    address: str = "",
) -> None:
    """For hand-written portals: save the document behind a link or an address as `target`.

    Follows dialogs, windows and detail pages as recipes do. Raises PortalError.
    """
    search = DocumentSearch(visit, bill, target, Offers())
    if link is not None:
        await search.press(link)
    else:
        await search.from_address(address)
