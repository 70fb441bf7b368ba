"""Gets a PDF out of a portal, however it comes, and checks that it is one whole PDF."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import io
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from playwright.async_api import Error as PlaywrightError
from pypdf import PdfReader
from pypdf.errors import FileNotDecryptedError, PyPdfError, WrongPasswordError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from bills.browser.sites import site
from bills.browser.visit import refuse_status
from bills.portals import failures
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.async_api import APIResponse, Download, Page, Request, Response

    from bills.browser.visit import Visit
    from imports.messages import Text

LARGEST_BYTES = 100 * 1024 * 1024
MOST_NODES = 20_000  # of a page tree: a hostile one could have millions
# ISO 32000-1, annex H: readers accept the header within the first 1,024 bytes and the end
# marker within the last 1,024. Some portals pad their files, hence the strip.
HEADER_WITHIN = 1024
END_WITHIN = 1024
PADDING = b"\0 \t\r\n"
PAGE = re.compile(rb"<!doctype html|<html|<head|<body", re.IGNORECASE)

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it quotes the file: say our own sentence


@dataclass(frozen=True, slots=True)
class PageTree:
    """What the file says of its pages, and those that are really there."""

    declared: int
    pages: tuple[DictionaryObject, ...]


LONGEST_ERROR = 80  # characters: a bill says more
ERROR_AS_PDF = (
    r"\b(?:not found|does not exist|not available|unavailable|try again later|"
    r"error (?:has )?occurred|went wrong|fel (?:har )?uppstått|gick fel|feil oppst[oå]|gikk galt|"
    r"opst[oå]d en fejl|gik galt|tapahtui virhe|fehler (?:ist )?aufgetreten|fout opgetreden|"
    r"erreur (?:s'est produite|est survenue)|ocurrido un error|verificato un errore|wystąpił błąd|"
    r"could not be (?:found|created|loaded)|internal (?:server )?error|hittades inte|"
    r"finns inte|ikke (?:funnet|fundet)|ei löyt|nicht (?:gefunden|verfügbar)|"
    r"niet (?:gevonden|beschikbaar)|introuvable|non (?:trouvée?|disponible|trovat[oa])|"
    r"no (?:encontrad[oa]|disponible)|nie znaleziono)"
)


MOST_PAGES = 2  # a bill names itself at its beginning
LARGEST_READ_BYTES = 10 << 20
LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class WholePdf:
    """A PDF that opens with all its pages. `text` is what the first say, if it can be read."""

    sha256: str
    size: int  # bytes
    text: str = ""


def check_pdf(path: Path, password: str = "") -> WholePdf:
    """What the file is. It is read and opened once: that takes longer than all else about it.

    Raises PortalError DOWNLOAD_BAD, or DOCUMENT_PASSWORD where the password does not open it.
    """
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise PortalError(Code.DOWNLOAD_BAD, failures.TOO_LARGE.format(size=size))
    content = path.read_bytes()
    problem, texts = flaw(content), [""]
    if not problem:
        problem, texts = _pages_of(content, password)
    if problem:
        raise PortalError(Code.DOWNLOAD_BAD, problem)
    text = " ".join(" ".join(texts)[:LONGEST_TEXT].split()) if size <= LARGEST_READ_BYTES else ""
    return WholePdf(hashlib.sha256(content).hexdigest(), size, text)


def flaw(content: bytes) -> Text:
    """What keeps the bytes from being a whole PDF, as a sentence; empty if nothing does."""
    if not content:
        return failures.EMPTY
    if not looks_like_pdf(content):
        return failures.NO_HEADER
    if b"%%EOF" not in content.rstrip(PADDING)[-END_WITHIN:]:
        return failures.CUT_OFF.format(size=len(content))
    return ""


def _pages_of(content: bytes, password: str) -> tuple[Text, list[str]]:
    """What keeps a reader from showing every page, "" if nothing does; the first pages' texts.

    Raises PortalError DOCUMENT_PASSWORD.
    """
    start = content.find(b"%PDF-", 0, HEADER_WITHIN)  # offsets count from the header
    try:
        reader = PdfReader(io.BytesIO(content[start:]), password=password or None)
        problem = _flaw_of_tree(_tree_of(reader))
        is_read = len(content) <= LARGEST_READ_BYTES or len(reader.pages) == 1
        texts = _texts_of(reader) if is_read and not problem else []
        return problem or _error_in(reader, texts), texts
    except (FileNotDecryptedError, WrongPasswordError):
        detail = failures.WRONG_FILE_PASSWORD if password else ""
        raise PortalError(Code.DOCUMENT_PASSWORD, detail) from None
    # A damaged file breaks the library in any way there is. None of them may end the attempt.
    except (PyPdfError, Exception) as error:
        return failures.NOT_OPENED.format(reason=type(error).__name__), []


def _texts_of(reader: PdfReader) -> list[str]:
    """Those of the first pages; none where they can't be read, which says nothing."""
    with contextlib.suppress(Exception):
        return [page.extract_text() for page in reader.pages[:MOST_PAGES]]
    return []


def _error_in(reader: PdfReader, texts: list[str]) -> Text:
    """Some portals print their error as a PDF: one page that says it and nothing else."""
    if len(reader.pages) != 1:
        return ""
    text = " ".join(" ".join(texts).split())
    is_error = len(text) <= LONGEST_ERROR and re.search(ERROR_AS_PDF, text, re.IGNORECASE)
    return failures.ERROR_AS_PDF.format(text=text) if is_error else ""


def _flaw_of_tree(tree: PageTree) -> Text:
    found = len(tree.pages)
    if not found and not tree.declared:
        return failures.NO_PAGES
    if found != tree.declared:
        return failures.PAGES_MISSING.format(found=found, declared=tree.declared)
    for number, page in enumerate(tree.pages, start=1):
        if not _has_its_content(page):
            return failures.BROKEN_PAGE.format(page=number)
    return ""


def _tree_of(reader: PdfReader) -> PageTree:
    root = _resolved(reader.trailer["/Root"])
    top = _resolved(root.get("/Pages")) if isinstance(root, DictionaryObject) else None
    if not isinstance(top, DictionaryObject):
        return PageTree(0, ())
    declared = _resolved(top.get("/Count", 0))
    return PageTree(declared if isinstance(declared, int) else -1, tuple(_leaves(top)))


def _leaves(top: DictionaryObject) -> Iterator[DictionaryObject]:
    """The pages below a node. One that is missing, or met twice, is left out."""
    waiting: list[Any] = [top]
    met: set[tuple[int, int]] = set()
    nodes = 0
    while waiting and nodes < MOST_NODES:
        nodes += 1
        node = waiting.pop()
        if isinstance(node, IndirectObject):
            place = (node.idnum, node.generation)
            if place in met:
                continue
            met.add(place)
        node = _resolved(node)
        if not isinstance(node, DictionaryObject):
            continue
        kids = _resolved(node.get("/Kids"))
        if isinstance(kids, ArrayObject):
            waiting.extend(reversed(kids))
        elif node.get("/Type") == "/Page":
            yield node


def _has_its_content(page: DictionaryObject) -> bool:
    """Whether what the page draws is there. A page may be empty, but not point at nothing."""
    if "/Contents" not in page:
        return True
    content = _resolved(page.raw_get("/Contents"))
    parts = list(content) if isinstance(content, ArrayObject) else [content]
    return all(isinstance(_resolved(part), StreamObject) for part in parts)


def _resolved(value: Any) -> Any:
    return value.get_object() if isinstance(value, IndirectObject) else value


def looks_like_pdf(content: bytes) -> bool:
    """Whether a PDF begins here."""
    return b"%PDF-" in content[:HEADER_WITHIN]


def looks_like_page(content: bytes) -> bool:
    """Whether it is a web page, whatever it is called."""
    return not looks_like_pdf(content) and bool(PAGE.search(content[:HEADER_WITHIN]))


MOST_UNDISPOSED_BYTES = 16 * 1024 * 1024  # of answers, which Playwright's driver holds
FILE_TYPES = ("pdf", "octet-stream", "zip", "x-download", "force-download")
READ_BLOB = """async url => {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""


class CameAPage(Exception):
    """Ends a fetch where a page came in place of a file."""

    def __init__(self, status: int, html: str) -> None:
        super().__init__(status)
        self.status, self.html = status, html


async def fetch_link(visit: Visit, url: str, target: Path) -> bool:
    """Fetch a plain link with the browser's cookies; False where it leads to a page instead.

    Raises PortalError for a foreign host, an error status, a connection that breaks off.
    """
    try:
        await fetch_file(visit, url, target)
    except CameAPage:
        return False
    return True


async def fetch_file(visit: Visit, url: str, target: Path, referer: str = "") -> None:
    """As `fetch_link`, but raises CameAPage where a page came."""
    refuse_foreign(visit, url)
    limit = visit.plan.attempt_timeout * 1000
    try:
        answer = await visit.context.request.get(
            url, headers={"Referer": referer or visit.page.url}, timeout=limit
        )
        content = await answer.body()
        visit.undisposed_bytes += len(content)
        if visit.undisposed_bytes > MOST_UNDISPOSED_BYTES:  # else it goes with the visit's context
            await answer.dispose()
    except PlaywrightError as problem:
        raise broken_off(problem, visit) from None
    refuse_status(answer.status, answer.headers)
    if not is_file(answer, content):
        raise CameAPage(answer.status, content.decode("utf-8", "replace"))
    await asyncio.to_thread(target.write_bytes, content)


def refuse_foreign(visit: Visit, url: str) -> None:
    """Raises PortalError OTHER_SITE for a host that the portal does not name."""
    if not visit.plan.permits(urlsplit(url).hostname or ""):
        raise PortalError(Code.OTHER_SITE, failures.LINK_LEADS_TO.format(site=site(url)))


def is_file(answer: APIResponse, content: bytes) -> bool:
    """Whether a file came, whatever it is called; a page that is called a PDF counts as one."""
    if not answer.ok:
        return False
    kind = answer.headers.get("content-type", "").lower()
    if looks_like_pdf(content) or "pdf" in kind:
        return True
    is_attached = answer.headers.get("content-disposition", "").lower().startswith("attachment")
    return not looks_like_page(content) and (is_attached or any(k in kind for k in FILE_TYPES))


async def save(visit: Visit, download: Download, target: Path, page: Page) -> None:
    """Wait for the file's end and put it where we say: its own name is never trusted.

    `page` made it: where the window that a blob was opened in is gone, it still has the blob.
    """
    try:
        await download.save_as(target)
    except PlaywrightError as problem:
        if download.url.startswith("blob:"):
            with contextlib.suppress(PlaywrightError):
                await save_blob(page, download.url, target)
                return
        raise broken_off(problem, visit) from None
    finally:
        with contextlib.suppress(PlaywrightError):
            await download.delete()


async def save_blob(page: Page, url: str, target: Path) -> None:
    """Save what a blob: address holds. `page` is of the origin that made it."""
    coded = await page.evaluate(READ_BLOB, url)
    target.write_bytes(base64.b64decode(coded))


class Catch:
    """Listens to everything that can come of one press, from before the press."""

    def __init__(self, visit: Visit, page: Page) -> None:
        self.visit, self.page = visit, page
        self.downloads: list[Download] = []
        self.popups: list[Page] = []
        self.drawn: Response | None = None  # a PDF that a script has fetched to draw it
        self.status = 0  # of the page that came last; 0 where none came
        self.changed_at = self._now()
        self._changed = asyncio.Event()
        self._pending: set[Request] = set()
        visit.context.on("page", self._on_popup)
        visit.context.on("request", self._on_request)
        visit.context.on("response", self._on_response)
        visit.context.on("requestfinished", self._on_end)
        visit.context.on("requestfailed", self._on_end)
        page.on("download", self._on_download)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def quiet_seconds(self) -> float:
        """How long nothing has come; 0 while an answer is due."""
        return 0.0 if self._pending else self._now() - self.changed_at

    @property
    def newest(self) -> Page:
        """The window that opened last, else the page itself."""
        is_open = [page for page in self.popups if not page.is_closed()]
        return is_open[-1] if is_open else self.page

    async def pause(self, seconds: float) -> None:
        """Wait before the next look; no longer than until something has come."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
        self._changed.clear()

    async def close(self) -> None:
        """Stop listening and close the windows that opened."""
        context = self.visit.context
        context.remove_listener("page", self._on_popup)
        context.remove_listener("request", self._on_request)
        context.remove_listener("response", self._on_response)
        context.remove_listener("requestfinished", self._on_end)
        context.remove_listener("requestfailed", self._on_end)
        self.page.remove_listener("download", self._on_download)
        for page in self.popups:
            with contextlib.suppress(PlaywrightError):
                await page.close()

    def _stir(self) -> None:
        self.changed_at = self._now()
        self._changed.set()

    def _on_popup(self, page: Page) -> None:
        self.popups.append(page)
        page.on("download", self._on_download)
        self._stir()

    def _on_download(self, download: Download) -> None:
        self.downloads.append(download)
        self._stir()

    def _on_request(self, request: Request) -> None:
        self._pending.add(request)
        self._stir()

    def _on_response(self, response: Response) -> None:
        request = response.request
        if request not in self._pending:
            return  # asked for before the press
        if request.is_navigation_request():
            if not 300 <= response.status < 400 and is_of_window(request):
                self.status = response.status
        elif "application/pdf" in response.headers.get("content-type", ""):
            self.drawn = response
        self._stir()

    def _on_end(self, request: Request) -> None:
        if request in self._pending:
            self._pending.discard(request)
            self._stir()


def is_of_window(request: Request) -> bool:
    """Whether a window itself asked, and no frame in it."""
    try:
        return request.frame.parent_frame is None
    except PlaywrightError:  # the window is so new that it is not there yet
        return True


def inside_data_url(url: str) -> bytes:
    """What a data: URL carries. Raises PortalError DOWNLOAD_BAD where it can't be read."""
    head, _, data = url.partition(",")
    raw = unquote_to_bytes(data)
    if not head.endswith(";base64"):
        return raw
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except binascii.Error:
        raise PortalError(Code.DOWNLOAD_BAD, failures.BAD_BASE64) from None


def broken_off(problem: PlaywrightError, visit: Visit) -> PortalError:
    """The failure behind a download that did not reach its end."""
    if "closed" in problem.message or "crash" in problem.message:
        return PortalError(Code.BROWSER_CRASH)
    refused = [host for host in visit.proxy.refused if not visit.plan.permits(host)]
    if refused:
        return PortalError(
            Code.OTHER_SITE,
            failures.LINK_LEADS_TO.format(site=", ".join(refused)),
        )
    return PortalError(Code.DOWNLOAD_BAD, failures.BROKE_OFF)
