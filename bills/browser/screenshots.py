"""A picture of a page that can't show the password: its boxes are emptied, and its text is read.

A page can put what was typed anywhere: into another frame, a shadow tree, a placeholder, a style
sheet, a canvas. So, in this order: empty every box that holds the password or is made for one;
read all there is of the page (closed shadow trees and generated text, too), and where any of it
still holds the password, keep no picture; cover what can't be read; and after the picture was
taken, read it all again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from playwright.async_api import Error as PlaywrightError

from imports.http.redaction import holds_secret

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from playwright.async_api import Page

T = TypeVar("T")
PIECE_SECONDS = 3.0  # for each piece: a page that hangs must not hold the attempt
MOST_FRAMES = 20
MOST_CHARACTERS = 3_000_000  # of a page that is read before its picture is taken
SILENT = "There is no screenshot: the page does not answer."
SHOWS = "There is no screenshot: the page shows the password."
TOO_MUCH = "There is no screenshot: the page is too large to make sure that it shows no password."
CLOSED = "There is no screenshot: the page was closed."
# What no script can read: the password may have been drawn there.
UNREADABLE = (
    "canvas, video, object, embed, img[src^='data:'], img[src^='blob:'], input[type=password], "
    "input[autocomplete*=password i], input[name*=pass i], input[id*=pass i], "
    "input[name*=losen i], input[id*=losen i]"
)

_BOXES = """
  const roots = [document];
  for (const root of roots)
    for (const part of root.querySelectorAll("*"))
      if (part.shadowRoot) roots.push(part.shadowRoot);
  const boxes = roots.flatMap(root => [...root.querySelectorAll("input, textarea")]);
"""
VALUES = f"most => {{{_BOXES} return boxes.slice(0, most).map(box => box.value || ''); }}"
# By the element's own setter: a framework's notes of what it holds are left alone.
EMPTY = f"""places => {{{_BOXES}
  const emptied = place => {{
    const box = boxes[place];
    const kind = box.tagName === "TEXTAREA" ? HTMLTextAreaElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(box, "");
  }};
  for (const place of places) if (boxes[place]) emptied(place);
  for (const box of boxes)
    if (box.matches("[type=password], [autocomplete*=password i]")) emptied(boxes.indexOf(box));
}}"""
# All that can be seen or made to be seen: also without blanks, for letters that stand apart.
SUMMARY = """most => {
  const roots = [document], texts = [];
  for (const root of roots) {
    for (const part of root.querySelectorAll("*")) {
      if (part.shadowRoot) roots.push(part.shadowRoot);
      if (part.tagName === "TEXTAREA" || (part.tagName === "INPUT" && part.value))
        texts.push(part.value);
    }
    const top = root === document ? document.documentElement : root;
    texts.push(root === document ? (document.body || {}).innerText || "" : "");
    texts.push((top && top.innerHTML) || "");
  }
  return texts.join("\\n").slice(0, most + 1);
}"""
MOST_BOXES = 5_000


async def picture(page: Page, secrets: tuple[str, ...]) -> tuple[bytes | None, str]:
    """A PNG of the page, or None and the reason.

    The comparison is made here: a page that may not know the password is not handed it.
    """
    if page.is_closed():
        return None, CLOSED
    if not await _in_time(_empty_boxes(page, secrets), False):
        return None, SILENT
    reason = await _in_time(_reason_against(page, secrets), SILENT)
    if reason:
        return None, reason
    masks = [frame.locator(UNREADABLE) for frame in page.frames[:MOST_FRAMES]]
    shot = await _in_time(page.screenshot(mask=masks, timeout=PIECE_SECONDS * 1000), None)
    if shot is None:
        return None, SILENT
    reason = await _in_time(_reason_against(page, secrets), SILENT)
    return (None, reason) if reason else (shot, "")


async def _empty_boxes(page: Page, secrets: tuple[str, ...]) -> bool:
    """Empty the boxes that hold a secret, in all frames."""
    for frame in page.frames[:MOST_FRAMES]:
        values: list[str] = await frame.evaluate(VALUES, MOST_BOXES)
        places = [at for at, value in enumerate(values) if value and _holds(value, secrets)]
        await frame.evaluate(EMPTY, places)
    return True


async def _reason_against(page: Page, secrets: tuple[str, ...]) -> str:
    """Why the page is not photographed as it is; empty where nothing of it holds a secret."""
    if len(page.frames) > MOST_FRAMES:
        return TOO_MUCH
    for frame in page.frames:
        summary: str = await frame.evaluate(SUMMARY, MOST_CHARACTERS)
        if len(summary) > MOST_CHARACTERS:
            return TOO_MUCH
        if await asyncio.to_thread(_holds, summary, secrets):
            return SHOWS
    summary = "\n".join(await _strings(page))
    if len(summary) > MOST_CHARACTERS:
        return TOO_MUCH
    return SHOWS if await asyncio.to_thread(_holds, summary, secrets) else ""


def _holds(summary: str, secrets: tuple[str, ...]) -> bool:
    """Whether one stands in the text, perhaps with blanks between its letters."""
    if holds_secret(summary, secrets):
        return True
    squeezed, text = ["".join(secret.split()) for secret in secrets], "".join(summary.split())
    return any(len(secret) > 2 and secret in text for secret in squeezed)


async def _strings(page: Page) -> list[str]:
    """Every string in the page as the browser has it: closed shadow trees, generated text."""
    session = await page.context.new_cdp_session(page)
    try:
        snapshot: dict[str, Any] = await session.send(
            "DOMSnapshot.captureSnapshot", {"computedStyles": []}
        )
    finally:
        await session.detach()
    strings: list[str] = snapshot.get("strings", [])
    return strings


async def _in_time(work: Awaitable[T], otherwise: T) -> T:
    """The result, or `otherwise` where the page is too slow or too broken to give it."""
    try:
        async with asyncio.timeout(PIECE_SECONDS):
            return await work
    except (TimeoutError, PlaywrightError, OSError):
        return otherwise
