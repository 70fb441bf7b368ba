"""Reads the page that came where a document was wanted, and says why it came."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from bills.portals import failures
from bills.portals.documents.words import Way, is_limit, is_session_lost, matches, way, words_of
from bills.portals.failures import Code, PortalError
from bills.portals.logins import phrases

if TYPE_CHECKING:
    from playwright.async_api import Page

LONGEST_HTML = 200_000  # characters: a page that says "not now" is short
LONGEST_TITLE = 100
UNSEEN = {"script", "style", "noscript", "template"}
READ = """() => ({
  title: document.title || (document.querySelector("h1, h2") || {innerText: ""}).innerText,
  text: document.body ? document.body.innerText.slice(0, 200000) : "",
  asks: [...document.querySelectorAll("input[type=password]")].some(
    box => box.checkVisibility({visibilityProperty: true})),
})"""


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page says. `asks` is whether it asks for a password."""

    title: str
    text: str
    asks: bool = False
    has_documents: bool = False  # links or buttons that sound like a document's

    @property
    def name(self) -> str:
        """The title, cut; the text's beginning where there is none."""
        name = " ".join((self.title or self.text).split()) or "…"
        return name if len(name) <= LONGEST_TITLE else name[:LONGEST_TITLE] + "…"


async def text_of(page: Page) -> PageText:
    """What a page that is shown says."""
    read = await page.evaluate(READ)
    return PageText(read["title"], read["text"], read["asks"])


def text_in(html: str) -> PageText:
    """What a page that was fetched says; scripts have not run."""
    reader = _Reader()
    reader.feed(html[:LONGEST_HTML])
    reader.close()
    title = "".join(reader.title) or "".join(reader.heading)
    return PageText(title, " ".join(reader.texts), reader.asks, reader.has_documents)


def reason_of(page: PageText, status: int = 200, *, is_file: bool = False) -> PortalError:
    """Why this page came in place of a document; DOWNLOAD_BAD where it does not say."""
    said = f"{page.title}\n{page.text}"
    detail = failures.PAGE_CAME.format(title=page.name)
    for code, is_said in (
        (Code.DOWNLOAD_LIMIT, is_limit(said)),
        (Code.RATE_LIMITED, _says(said, "rate_limited")),
        (Code.MAINTENANCE, _says(said, "maintenance")),
        (Code.SESSION_LOST, page.asks or is_session_lost(said)),
    ):
        if is_said:
            return PortalError(code, detail)
    summary = failures.DOWNLOADED_PAGE if is_file else failures.WEB_PAGE
    return PortalError(Code.DOWNLOAD_BAD, summary.format(status=status, title=page.name))


def _says(text: str, outcome: str) -> bool:
    """Whether the text says this outcome of a login in any of the languages."""
    return matches(tuple(phrases.outcome_patterns(outcome).values()), text)


class _Reader(HTMLParser):
    """Collects title, first heading and visible text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.heading: list[str] = []
        self.texts: list[str] = []
        self.asks = self.has_documents = False
        self._unseen = 0
        self._into: list[str] | None = None
        self._control = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in UNSEEN:
            self._unseen += 1
        elif tag == "title":
            self._into = self.title
        elif tag in ("h1", "h2") and not self.heading:
            self._into = self.heading
        elif tag == "input" and given.get("type", "").lower() == "password":
            self.asks = True
        elif tag in ("iframe", "embed", "object"):
            self.has_documents = True
        if tag in ("a", "button"):
            self._control = True
            self._judge(words_of(given.get("href", "").rpartition("/")[2]))

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if tag in ("title", "h1", "h2"):
            self._into = None
        if tag in ("a", "button"):
            self._control = False

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if self._into is not None:
            self._into.append(data)
        if self._into is not self.title:
            self.texts.append(data)
        if self._control:
            self._judge(data)

    def _judge(self, words: str) -> None:
        if way(words) in (Way.FILE, Way.PRINT):
            self.has_documents = True
