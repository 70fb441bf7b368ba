"""What every page must be fit for: a telephone's width, and people who see or move otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # has none

from tests.browser.chromium import NARROW, WIDE

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


@dataclass(frozen=True, slots=True)
class Survey:
    """What is wrong, by the page's name: empty where all is well."""

    too_wide: dict[str, list[str]] = field(default_factory=dict)  # elements that stick out
    obstacles: dict[str, list[str]] = field(default_factory=dict)  # what axe finds serious
    dim: dict[str, list[str]] = field(default_factory=dict)  # too little contrast in the dark


def survey(page: Page, addresses: dict[str, str]) -> Survey:
    """Open each page once, and look at it wide and light, dark, and on a telephone."""
    found = Survey()
    for name, address in addresses.items():
        use_screen(page, WIDE)
        page.goto(address)
        page.add_style_tag(content="* { transition: none !important; }")
        keep(found.obstacles, name, serious(page))
        page.evaluate("document.documentElement.classList.add('dark')")
        keep(found.dim, name, serious(page, "color-contrast"))
        use_screen(page, NARROW)
        keep(found.too_wide, name, page.evaluate(TOO_WIDE))
    return found


def use_screen(page: Page, size: tuple[int, int]) -> None:
    """Look at the page through a window of that size."""
    page.set_viewport_size({"width": size[0], "height": size[1]})


def keep(found: dict[str, list[str]], name: str, seen: list[str]) -> None:
    if seen:
        found[name] = seen


def serious(page: Page, *rules: str) -> list[str]:
    """What axe finds serious; with `rules` only what breaks one of these."""
    wanted: dict[str, object] = {"resultTypes": ["violations"]}
    if rules:
        wanted["runOnly"] = list(rules)
    broken = Axe().run(page, options=wanted).response["violations"]
    return [summary(each) for each in broken if each["impact"] in SERIOUS]


def summary(violation: dict[str, Any]) -> str:
    """The rule, and the first elements that break it."""
    elements = [node["html"][:160] for node in violation["nodes"][:3]]
    return f"{violation['id']}: {'; '.join(elements)}"
