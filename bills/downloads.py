"""Gets a PDF out of a portal, however it comes: plain link, download, popup, inline, POST, blob.

Every Chromium here saves PDFs instead of showing them (see `chromium.PREFERENCES`), so that
inline PDFs, popups, blobs and answers to forms all end in Playwright's `download` event.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from playwright.async_api import Error as PlaywrightError

from bills.pdf_files import looks_like_pdf
from bills.portals import details
from bills.portals.failures import Code, PortalError
from bills.sites import site
from bills.visit import refuse_status

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Download, Locator, Page, Response

    from bills.visit import Visit
    from imports.messages import Text

# After a page came instead of a PDF: some pages start the download themselves.
GRACE_SECONDS = 3.0


async def fetch_link(visit: Visit, url: str, target: Path) -> bool:
    """Fetch a plain link with the browser's cookies; False where it leads to a page instead.

    Raises PortalError for a foreign host, an error status, a connection that breaks off.
    """
    if not visit.plan.permits(urlsplit(url).hostname or ""):
        raise PortalError(Code.OTHER_SITE, details.LINK_LEADS_TO.format(site=site(url)))
    limit = visit.plan.attempt_timeout * 1000
    try:
        answer = await visit.context.request.get(
            url, headers={"Referer": visit.page.url}, timeout=limit
        )
        content = await answer.body()
    except PlaywrightError as problem:
        raise broken_off(problem, visit) from None
    try:
        refuse_status(answer.status, answer.headers)
        kind = answer.headers.get("content-type", "")
        if not (looks_like_pdf(content) or (answer.ok and "pdf" in kind)):
            return False
        await asyncio.to_thread(target.write_bytes, content)
        return True
    finally:
        await answer.dispose()


async def press_and_catch(visit: Visit, link: Locator, target: Path) -> None:
    """Press a link or button and save the PDF that comes of it, whichever way it comes.

    Raises PortalError DOWNLOAD_BAD when a page comes instead, or nothing.
    """
    href = await link.get_attribute("href") or ""
    if href.startswith("data:"):
        target.write_bytes(inside_data_url(href))
        return
    catch = _Catch(visit)
    try:
        await link.click(no_wait_after=True)
        download = await catch.wait()
        if download is not None:
            await _save(visit, download, target)
        elif not await _save_other(visit, catch, target):
            raise PortalError(Code.DOWNLOAD_BAD, catch.what_came())
    finally:
        await catch.close()


async def _save(visit: Visit, download: Download, target: Path) -> None:
    """Wait for the file's end and put it where we say: its own name is never trusted."""
    try:
        await download.save_as(target)
    except PlaywrightError as problem:
        raise broken_off(problem, visit) from None
    finally:
        if not visit.page.is_closed():
            await download.delete()


async def _save_other(visit: Visit, catch: _Catch, target: Path) -> bool:
    """A PDF that a script fetched to draw it, or a blob that opened in a window."""
    if catch.pdf_url:
        return await fetch_link(visit, catch.pdf_url, target)
    blob = next((page.url for page in catch.popups if page.url.startswith("blob:")), "")
    if not blob:
        return False
    coded = await visit.page.evaluate(
        """async url => {
          const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
          let text = "";
          for (const byte of bytes) text += String.fromCharCode(byte);
          return btoa(text);
        }""",
        blob,
    )
    target.write_bytes(base64.b64decode(coded))
    return True


class _Catch:
    """Listens to everything that can come of one press, from before the press."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.popups: list[Page] = []
        self.pdf_url = ""
        self.status = 0
        self._page_came = False
        self._first: asyncio.Future[Download] = asyncio.get_running_loop().create_future()
        self._stirred = asyncio.Event()
        visit.context.on("page", self._on_popup)
        visit.context.on("response", self._on_response)
        visit.page.on("download", self._on_download)

    async def wait(self) -> Download | None:
        """The first download; None when none came in time, or a page came in its place."""
        try:
            async with asyncio.timeout(self.visit.plan.recipe.login.answer_seconds) as limit:
                stirred = asyncio.ensure_future(self._stirred.wait())
                try:
                    await asyncio.wait((self._first, stirred), return_when="FIRST_COMPLETED")
                finally:
                    stirred.cancel()
                soon = asyncio.get_running_loop().time() + GRACE_SECONDS
                limit.reschedule(min(soon, limit.when() or soon))
                return await asyncio.shield(self._first)
        except TimeoutError:
            return None

    def what_came(self) -> Text:
        """What to say when there was no download."""
        if self._page_came:
            return details.WEB_PAGE.format(status=self.status)
        return details.NO_DOWNLOAD

    async def close(self) -> None:
        """Stop listening and close the windows that opened."""
        self.visit.context.remove_listener("page", self._on_popup)
        self.visit.context.remove_listener("response", self._on_response)
        self.visit.page.remove_listener("download", self._on_download)
        self._first.cancel()
        for page in self.popups:
            await page.close()

    def _on_popup(self, page: Page) -> None:
        self.popups.append(page)
        page.on("download", self._on_download)

    def _on_download(self, download: Download) -> None:
        if not self._first.done():
            self._first.set_result(download)

    def _on_response(self, response: Response) -> None:
        request = response.request
        if "application/pdf" in response.headers.get("content-type", ""):
            if request.method == "GET":
                self.pdf_url = response.url
            self._stirred.set()
        elif request.is_navigation_request() and not 300 <= response.status < 400:
            self._page_came, self.status = True, response.status
            self._stirred.set()


def inside_data_url(url: str) -> bytes:
    """What a data: URL carries. Raises PortalError DOWNLOAD_BAD where it can't be read."""
    head, _, data = url.partition(",")
    raw = unquote_to_bytes(data)
    if not head.endswith(";base64"):
        return raw
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except binascii.Error:
        raise PortalError(Code.DOWNLOAD_BAD, details.BAD_BASE64) from None


def broken_off(problem: PlaywrightError, visit: Visit) -> PortalError:
    """The failure behind a download that did not reach its end."""
    if "closed" in problem.message or "crash" in problem.message:
        return PortalError(Code.BROWSER_CRASH)
    refused = [host for host in visit.gate.refused if not visit.plan.permits(host)]
    if refused:
        return PortalError(
            Code.OTHER_SITE,
            details.LINK_LEADS_TO.format(site=", ".join(refused)),
        )
    return PortalError(Code.DOWNLOAD_BAD, details.BROKE_OFF)
