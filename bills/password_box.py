"""The box that the password is typed into: where its form leads, and that it is still that box."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from playwright.async_api import ElementHandle

from bills.portals import details
from bills.portals.failures import Code, PortalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Locator, Page

    Refuse = Callable[[list[str]], None]

# Where a box stands, and where its form would send the password: all addresses.
_FORM = """
  const goal = box => {
    const page = box.ownerDocument, base = page.baseURI;
    // A frame without an address of its own (srcdoc) is the page's that it stands in.
    const urls = [page.location.protocol === "about:" ? page.defaultView.origin + "/"
      : page.location.href];
    if (box.form) {
      urls.push(new URL(box.form.getAttribute("action") || "", base).href);
      for (const button of box.form.querySelectorAll("[formaction]"))
        urls.push(new URL(button.getAttribute("formaction"), base).href);
    }
    return urls;
  };
"""
FORM_OF = f"box => {{{_FORM} return goal(box); }}"
# Of every box on the page; each is marked with its place in the list. null: an address is none.
FORMS = f"""seal => {{{_FORM}
  return [...document.querySelectorAll("input")].map((box, index) => {{
    box.setAttribute("data-redrive-box", `${{seal}}-${{index}}`);
    try {{ return goal(box); }} catch {{ return null; }}
  }});
}}"""
# Of the boxes that have this mark now.
MARKED = f"""mark => {{{_FORM}
  return [...document.querySelectorAll(`[data-redrive-box="${{mark}}"]`)].map(goal);
}}"""


async def pinned(
    page: Page, box: Locator | ElementHandle, refuse: Refuse
) -> Locator | ElementHandle:
    """What to fill in. `refuse` raises for addresses that the password must not go to.

    What was looked at, and nothing else: where another page has taken its place, or there are
    copies of it by then, filling it in fails.
    """
    urls, mark = await _marked(page, box)
    if not mark:  # in a frame or a shadow root
        handle = box if isinstance(box, ElementHandle) else await box.element_handle()
        refuse(await handle.evaluate(FORM_OF))
        return handle
    refuse(urls)
    await _check(page, mark, refuse)
    return page.locator(f'[data-redrive-box="{mark}"]')


async def _marked(page: Page, box: Locator | ElementHandle) -> tuple[list[str], str]:
    """Where the password would go from this box, and a mark on it; [] and "" for no mark."""
    seal = secrets.token_hex(8)
    forms: list[list[str] | None] = await page.evaluate(FORMS, seal)
    mark = await box.get_attribute("data-redrive-box") or ""
    urls = forms[int(mark.rpartition("-")[2])] if mark.startswith(seal) else None
    return (urls, mark) if urls else ([], "")


async def _check(page: Page, mark: str, refuse: Refuse) -> None:
    """A script that saw the mark come may have put a copy of the box elsewhere."""
    forms: list[list[str]] = await page.evaluate(MARKED, mark)
    for urls in forms:
        refuse(urls)
    if len(forms) != 1:
        raise PortalError(Code.NAVIGATION, details.FORM_REPLACED)
