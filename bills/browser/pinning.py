"""Boxes that a secret may be typed into: the one that was looked at, and where its form leads."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.async_api import ElementHandle

from bills.portals import failures
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

Refuse = Callable[[Iterable[str]], None]

# `goal`: where a box stands, and where its form would send the password: all addresses.
GOAL = """
  const goal = box => {
    const page = box.ownerDocument, base = page.baseURI;
    // A frame without an address of its own (srcdoc) is the page's that it stands in.
    const urls = [page.location.protocol === "about:" ? page.defaultView.origin + "/"
      : page.location.href];
    if (box.form) {
      urls.push(new URL(box.form.getAttribute("action") || "", base).href);
      for (const button of box.form.elements)  // those that stand outside of it, too
        if (button.hasAttribute("formaction"))
          urls.push(new URL(button.getAttribute("formaction"), base).href);
      for (const image of box.form.querySelectorAll("input[type=image][formaction]"))
        urls.push(new URL(image.getAttribute("formaction"), base).href);
    }
    return urls;
  };
"""
FORM_OF = f"box => {{{GOAL} return goal(box); }}"
# `pin`: marks a box, and tells where it leads now and where all boxes lead that have the mark once
# the page's scripts have had their turn. Null in a frame or a shadow root, where no mark is looked
# for.
PIN = f"""{GOAL}
  const turn = () => new Promise(done => {{
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(null);
  }});
  const pin = async (box, seal) => {{
    if (window !== window.top || box.getRootNode() !== document) return null;
    box.setAttribute("data-redrive-box", seal);
    const before = goal(box);
    await turn();
    return [before, [...document.querySelectorAll(`[data-redrive-box="${{seal}}"]`)].map(goal)];
  }};
"""
PIN_IT = f"(box, seal) => {{{PIN} return pin(box, seal); }}"


@dataclass(frozen=True, slots=True)
class Pinned:
    """A box that has been marked: where it led then, and where all that bear the mark led next."""

    mark: str
    before: list[str]
    after: list[list[str]]


def new_mark() -> str:
    """A mark that no page can know beforehand."""
    return secrets.token_hex(8)


async def pinned(
    page: Page, box: Locator | ElementHandle | Pinned, refuse: Refuse
) -> Locator | ElementHandle:
    """What to fill in. `refuse` raises for addresses that the password must not go to.

    What was looked at, and nothing else: where another page has taken its place, or there are
    copies of it by then, filling it in fails.
    """
    if not isinstance(box, Pinned):
        mark = new_mark()
        goals = await box.evaluate(PIN_IT, mark)
        if goals is None:
            handle = box if isinstance(box, ElementHandle) else await box.element_handle()
            refuse(await handle.evaluate(FORM_OF))
            return handle
        box = Pinned(mark, *goals)
    refuse(box.before)
    # Also the forms of copies that a script, having seen the mark, has put elsewhere.
    for urls in box.after:
        refuse(urls)
    if len(box.after) != 1:
        raise PortalError(Code.NAVIGATION, failures.FORM_REPLACED)
    return page.locator(f'[data-redrive-box="{box.mark}"]')
