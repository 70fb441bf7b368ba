"""What every page must be fit for: a telephone's width, and people who see or move otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # has none

from tests.browser.chromium import NARROW

if TYPE_CHECKING:
    from playwright.sync_api import Page

TOO_WIDE = """() => {
    const most = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= most) return [];
    const wide = [...document.querySelectorAll("body *")];
    return wide.filter(each => each.getBoundingClientRect().right > most + 1)
        .map(each => `${each.tagName} ${each.className}`).slice(0, 8);
}"""
SERIOUS = ("serious", "critical")


def too_wide(page: Page, addresses: dict[str, str]) -> dict[str, list[str]]:
    """The pages that a telephone has to scroll sideways, and the elements that stick out."""
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    found = {}
    for name, address in addresses.items():
        page.goto(address)
        if culprits := page.evaluate(TOO_WIDE):
            found[name] = culprits
    return found


def obstacles(page: Page, addresses: dict[str, str], *rules: str) -> dict[str, list[str]]:
    """What axe finds serious, page by page; with `rules` only what breaks one of these."""
    wanted: dict[str, object] = {"resultTypes": ["violations"]}
    if rules:
        wanted["runOnly"] = list(rules)
    found = {}
    for name, address in addresses.items():
        page.goto(address)
        broken = Axe().run(page, options=wanted).response["violations"]
        serious = [told(each) for each in broken if each["impact"] in SERIOUS]
        if serious:
            found[name] = serious
    return found


def told(violation: dict[str, Any]) -> str:
    """The rule, and the first elements that break it."""
    elements = [node["html"][:160] for node in violation["nodes"][:3]]
    return f"{violation['id']}: {'; '.join(elements)}"
