"""What is kept of a failed attempt: screenshot, page and trace, none with the password in it."""

from __future__ import annotations

import asyncio
import re
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, TypeVar

from playwright.async_api import Error as PlaywrightError

from bills.report import Evidence
from bills.scrubbing import holds_secret, scrub, scrub_zip, storable

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from playwright.async_api import Page

    from bills.visit import Visit

T = TypeVar("T")
LONGEST_HTML = 500_000  # characters
PIECE_SECONDS = 3.0  # for each piece: a page that hangs must not hold the attempt
DROPPED_ELEMENTS = {"script", "style", "noscript", "template", "object", "embed"}
VOID_ELEMENTS = {
    "br",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "wbr",
    "col",
    "area",
    "base",
}
DROPPED_ATTRIBUTES = {"value", "srcdoc", "style", "nonce", "integrity"}
MASKED_BOXES = (
    "input[type=password], input[autocomplete*=password i], input[name*=pass i], "
    "input[id*=pass i], input[name*=losen i], input[id*=losen i]"
)
# All that a screenshot could show: the text, and what stands in boxes that are not masked.
SHOWN = """masked => [document.body ? document.body.innerText : "",
  ...[...document.querySelectorAll("input, textarea")]
    .filter(box => !box.matches(masked)).map(box => box.value)].join("\\n")"""


async def gather(visit: Visit, folder: Path) -> Evidence:
    """All the evidence that can still be had. Each piece has its own time limit."""
    secrets = (visit.login.password,)
    notes = []
    trace, trace_note = await _in_time(_trace(visit, folder), (None, "The trace was lost."))
    shot, shot_note = await picture(visit.page, visit.login.password)
    html = await _in_time(visit.page.content(), "")
    notes += [note for note in (trace_note, shot_note) if note]
    if not html:
        notes.append("The page could not be read.")
    return Evidence(
        screenshot=shot,
        html=storable(scrub(stripped(html), secrets))[:LONGEST_HTML],
        trace=trace,
        url=storable(scrub(visit.page.url, secrets)),
        note=" ".join(notes),
    )


async def picture(page: Page, secret: str) -> tuple[bytes | None, str]:
    """A PNG of the page with password boxes covered, or None and the reason.

    A page that shows the password in the clear is not photographed. The comparison is made here:
    a page that may not know the password is not handed it.
    """
    if page.is_closed():
        return None, "There is no screenshot: the page was closed."
    shown = await _in_time(page.evaluate(SHOWN, MASKED_BOXES), None)
    if shown is None:
        return None, "There is no screenshot: the page does not answer."
    if holds_secret(shown, (secret,)):
        return None, "There is no screenshot: the page shows the password."
    shot = await _in_time(
        page.screenshot(mask=[page.locator(MASKED_BOXES)], timeout=PIECE_SECONDS * 1000), None
    )
    return shot, "" if shot else "There is no screenshot: the page does not answer."


async def start_trace(visit: Visit) -> None:
    """To be called once the password has been typed: a trace records all that is typed."""
    if visit.plan.keep_trace:
        await visit.context.tracing.start(snapshots=True, screenshots=False, sources=False)
        visit.tracing = True


async def _trace(visit: Visit, folder: Path) -> tuple[Path | None, str]:
    if not visit.tracing:
        return None, ""
    visit.tracing = False
    if visit.trace_spoilt:
        await visit.context.tracing.stop()
        return None, "The trace was not kept: the password was typed while it ran."
    raw, clean = folder / "trace.raw", folder / "trace.zip"
    await visit.context.tracing.stop(path=raw)
    try:
        await asyncio.to_thread(scrub_zip, raw, clean, (visit.login.password,))
    finally:
        raw.unlink(missing_ok=True)
    return clean, ""


async def _in_time(work: Awaitable[T], otherwise: T) -> T:
    """The result, or `otherwise` where the page is too slow or too broken to give it."""
    try:
        async with asyncio.timeout(PIECE_SECONDS):
            return await work
    except (TimeoutError, PlaywrightError, OSError):
        return otherwise


class _Stripper(HTMLParser):
    """Copies a page without scripts, styles, comments, handlers and the contents of boxes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.kept: list[str] = ["<!doctype html>\n"]
        self._inside: list[str] = []  # dropped elements that are open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED_ELEMENTS or tag == "textarea":
            self._inside.append(tag)
        if self._inside:
            return
        if tag == "base" or (tag == "meta" and ("http-equiv", "refresh") in attrs):
            return
        kept = [(name, value) for name, value in attrs if is_harmless(name, value)]
        self.kept.append("<" + tag + "".join(f' {n}="{escape(v or "")}"' for n, v in kept) + ">")

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            if tag in self._inside:
                while self._inside.pop() != tag:
                    pass
        elif tag not in VOID_ELEMENTS:
            self.kept.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.kept.append(escape(data, quote=False))


def is_harmless(name: str, value: str | None) -> bool:
    """Whether an attribute may be kept: no handler, no box's content, no script or data in it."""
    if name.startswith("on") or name in DROPPED_ATTRIBUTES:
        return False
    return not re.match(r"\s*(javascript|data|vbscript):", value or "", re.IGNORECASE)


def stripped(html: str) -> str:
    """The page as a document that does nothing: to be read, not run."""
    if not html:
        return ""
    stripper = _Stripper()
    stripper.feed(html)
    stripper.close()
    return "".join(stripper.kept)
