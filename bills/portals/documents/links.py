"""Which links of a row, a dialog or a page lead to a bill's document, the likeliest first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from bills.portals.documents.words import OPEN, Says, Way, is_act, says, way, words_of
from bills.portals.logins.signs import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

SHORTEST_NUMBER = 4  # letters and digits: a shorter one stands in any text
BACK = re.compile(
    r"\b(back|return to|all (bills|invoices)|tillbaka|tilbake|tilbage|takaisin|zurück|terug|"
    r"retour|volver|indietro|torna|powrót|wróć)\b|^\W*[«‹<←]",
    re.IGNORECASE,
)
PRESSED = (
    "a, button, input[type=submit], input[type=button], input[type=image], summary, "
    "[role=button], [role=link], [role=menuitem], iframe, embed, object"
)
# `tell(part, mark)`: what there is to know of a part; the mark is to find it again by.
# What stands in a page's frame (head, foot, menu) belongs to no bill, unless a dialog holds it.
PARTS = (
    EVERYWHERE
    + """
  const DIALOG = `dialog, [role=dialog], [role=alertdialog], [aria-modal=true], [popover],
    .modal, .dialog, .popup, .overlay, .drawer, .lightbox,
    [role=menu]:not(nav *, header *, [role=navigation] *)`;
  const PRESSED = `PRESSED_PARTS`;
  const FRAME = `nav, footer, [role=navigation], [role=contentinfo], [role=banner], body > header`;
  // What has no size can't be pressed: a script's own <a download>, added to save a file.
  const shown = part => part.checkVisibility({visibilityProperty: true})
    && [...part.getClientRects()].some(box => box.width > 0 && box.height > 0);
  const up = (part, css) => {
    for (let at = part; at; at = at.getRootNode().host) {
      const found = at.closest(css);
      if (found) return found;
    }
    return null;
  };
  const isIn = (part, root) => {
    for (let at = part; at; at = at.getRootNode().host) if (root.contains(at)) return true;
    return false;
  };
  const bare = url => url.split("#")[0];
  const web = url => /^https?:/.test(url || "") && bare(url) !== bare(location.href) ? url : "";
  const address = part => {
    if (part.matches("iframe, embed")) return web(part.src);
    if (part.matches("object")) return web(part.data);
    const isPlain = part.tagName === "A" && part.hasAttribute("href") && !part.onclick;
    return isPlain ? web(part.href) : "";
  };
  const column = part => {
    const cell = part.closest("td, [role=cell], [role=gridcell]");
    const table = cell && cell.closest("table, [role=table], [role=grid]");
    if (!table) return "";
    const at = [...cell.parentNode.children].indexOf(cell);
    const head = table.querySelector("thead tr:last-child")
      || [...table.querySelectorAll("tr")].find(line => line.querySelector("th"));
    return head && head.children[at] ? head.children[at].innerText.trim() : "";
  };
  const forget = () => all("[data-redrive-document]").forEach(
    part => part.removeAttribute("data-redrive-document"));
  const short = (text, most) => (text || "").replace(/\\s+/g, " ").trim().slice(0, most);
  const tell = (part, mark) => {
    part.setAttribute("data-redrive-document", mark);
    const dialog = up(part, DIALOG);
    const around = dialog || up(part, "tr, li, article, section, [role=row], [role=listitem]");
    const image = part.querySelector("img[alt], svg title");
    return {
      mark: String(mark),
      text: short(part.tagName === "INPUT" ? part.value || part.alt : part.innerText, 200),
      label: short([part.getAttribute("aria-label"), part.title,
        image && (image.getAttribute("alt") || image.textContent)].filter(Boolean).join(" "), 200),
      column: short(column(part), 80),
      name: short(part.getAttribute("download"), 200)
        || (part.type === "application/pdf" ? "document.pdf" : ""),
      address: address(part),
      is_frame: part.matches("iframe, embed, object"),
      is_ready: part.tagName !== "A" || part.hasAttribute("href") || !!part.onclick
        || part.hasAttribute("role") || !part.hasAttribute("download"),
      in_dialog: !!dialog && !dialog.hasAttribute("data-redrive-standing"),
      around: short(around ? around.innerText : "", 2000),
      opens_menu: part.matches("[aria-haspopup=menu], [aria-haspopup=true]"),
      prints: ["onclick", "href"].some(
        name => /\\bprint\\s*\\(/.test(part.getAttribute(name) || "")),
    };
  };
  const before = part => part.getAttribute("data-redrive-seen");
  const now = part => "seen " + address(part);
  const isFresh = part => before(part) !== now(part);
  const MOST = 500;
""".replace("PRESSED_PARTS", PRESSED)
)
# By the index of each row that is marked: what can be pressed in it.
OF_ROWS = f"""() => {{{PARTS}
  forget();
  let mark = 0;
  return all("[data-redrive-row]").map(row => [Number(row.getAttribute("data-redrive-row")),
    all(PRESSED).filter(part => isIn(part, row) && shown(part)).slice(0, 20)
      .map(part => tell(part, "row-" + mark++))]);
}}"""
# The same of one row, which may have several parts.
OF_ROW = f"""rows => {{{PARTS}
  forget();
  return all(PRESSED).filter(part => rows.some(row => isIn(part, row)) && shown(part))
    .slice(0, 20).map((part, at) => tell(part, "one-" + at));
}}"""
# One of them that is found already.
OF_ONE = f"""part => {{{PARTS}
  forget();
  return tell(part, "given");
}}"""
# What can be pressed on a page; only what has come since REMEMBER, where that was called on it,
# unless asked for everything. A dialog that stood there at the first REMEMBER is none of ours.
OF_PAGE = f"""everything => {{{PARTS}
  forget();
  const since = !!window.redriveRemembers;
  const parts = all(PRESSED).filter(part => shown(part) && (up(part, DIALOG) || !up(part, FRAME)));
  return {{
    since,
    links: parts.filter(part => everything || !since || isFresh(part)).slice(0, MOST)
      .map((part, at) => tell(part, "page-" + at)),
  }};
}}"""
REMEMBER = f"""isFirst => {{{PARTS}
  if (isFirst) for (const part of all(DIALOG))
    part.toggleAttribute("data-redrive-standing", shown(part));
  window.redriveRemembers = true;
  for (const part of all("[data-redrive-seen]")) part.removeAttribute("data-redrive-seen");
  for (const part of all(PRESSED).filter(shown)) part.setAttribute("data-redrive-seen", now(part));
}}"""


class Where(Enum):
    """Where links were seen: how much there may be besides the bill's own."""

    ROW = "row"  # the bill's own row
    NEW = "new"  # what a press on the row has brought: a dialog, a menu, a panel
    PAGE = "page"  # a whole page


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """Something to press. `address` is "" where a script, a form or a blob is behind it."""

    mark: str
    text: str
    label: str = ""
    column: str = ""  # the heading above it
    name: str = ""  # the file name that it gives
    address: str = ""
    is_frame: bool = False
    is_ready: bool = True  # false for a link whose address has not been filled in yet
    in_dialog: bool = False
    around: str = ""  # the text of the row, card or dialog that holds it
    prints: bool = False
    opens_menu: bool = False

    @property
    def file_name(self) -> str:
        """The file's name as words, from the link or from the end of its address."""
        if self.name:
            return words_of(self.name)
        parts = urlsplit(self.address)
        return words_of(unquote(parts.path.rstrip("/").rpartition("/")[2] + " " + parts.query))

    @property
    def says(self) -> Says:
        """What it says of the document: in its own words, else its label's, column's, file's."""
        for text in (self.text, self.label, self.file_name, self.column):
            meant = says(text)
            if meant is not Says.NOTHING:
                return meant
        return Says.NOTHING

    @property
    def way(self) -> Way:
        """How one gets at the document."""
        if self.name or re.search(r"\.pdf\b", self.address, re.IGNORECASE):
            return Way.FILE
        if self.is_frame:
            return Way.FILE if way(self.file_name) is Way.FILE else Way.NONE
        if self.prints:
            return Way.PRINT
        found = min(way(self.text), way(self.label))
        if self.opens_menu:
            return min(found, Way.OPEN)
        return found if found is not Way.NONE or self.text else way(self.column)

    @property
    def shown(self) -> str:
        """How sentences name it."""
        return self.text or self.label or self.file_name or "…"


def link_from(summary: dict[str, Any]) -> DocumentLink:
    """A link as the page's script tells of it."""
    return DocumentLink(**summary)


def by_row(of_rows: list[tuple[int, list[dict[str, Any]]]]) -> dict[int, tuple[DocumentLink, ...]]:
    """What OF_ROWS tells, by the index of each marked row: it may have several parts."""
    found: dict[int, tuple[DocumentLink, ...]] = {}
    for index, links in of_rows:
        found[index] = (*found.get(index, ()), *map(link_from, links))
    return found


def plain(text: str) -> str:
    """Only its letters and digits, small: how numbers are compared."""
    return re.sub(r"[\W_]+", "", text).lower()


def has_number(text: str, number: str) -> bool:
    """Whether the text names the number, however either is spaced, and no longer one."""
    bare = plain(number)
    if not bare or (text.isascii() and bare.isascii() and bare not in plain(text)):
        return False  # most texts, without a pattern of its own for each number
    letters = [re.escape(letter) for letter in bare]
    pattern = r"(?<![^\W_])" + r"[\W_]{0,2}".join(letters) + r"(?![^\W_])"
    return bool(re.search(pattern, text, re.IGNORECASE))


def is_of_another(text: str, number: str, others: Collection[str]) -> bool:
    """Whether the text names another bill's number, and not this one's."""
    if number and has_number(text, number):
        return False
    return any(is_telling(other) and has_number(text, other) for other in others)


def is_telling(number: str) -> bool:
    """Whether a number is one that does not stand in a text by chance."""
    letters = plain(number)
    return len(letters) >= SHORTEST_NUMBER and any(letter.isdigit() for letter in letters)


def groups_of(
    links: Iterable[DocumentLink], number: str, where: Where = Where.ROW
) -> list[list[DocumentLink]]:
    """What may lead to the bill, in groups that the words tell apart, the likeliest first.

    A reminder or a payment slip is only taken where a row has nothing else.
    """
    pool = [link for link in links if _may_lead(link, number, where)]
    best = [link for link in pool if link.says in (Says.BILL, Says.NOTHING)]
    if not best and where is Where.ROW:
        best = [link for link in pool if link.says is Says.BESIDE]
    best.sort(key=_order)
    return [_once(list(group)) for _, group in groupby(best, key=_order)]


def _order(link: DocumentLink) -> tuple[bool, Says, Way]:
    return link.way is Way.PRINT, link.says, link.way


def _may_lead(link: DocumentLink, number: str, where: Where) -> bool:
    if not link.is_ready or BACK.search(link.text) or is_act(link.text or link.label):
        return False
    is_named = bool(number) and has_number(link.text, number)
    match link.way:
        case Way.FILE | Way.PRINT:
            return True
        case Way.BILL:  # "Invoices" in a trail of links leads back to the list
            return where is not Where.PAGE or is_named or bool(OPEN.search(link.text))
        case Way.OPEN:
            return where is not Where.PAGE
        case Way.NONE:
            return where is Where.ROW and is_named


def _once(links: list[DocumentLink]) -> list[DocumentLink]:
    """Each address once: an icon beside its words leads to the same document."""
    found: dict[str, DocumentLink] = {}
    for link in links:
        found.setdefault(link.address or link.mark, link)
    return list(found.values())
