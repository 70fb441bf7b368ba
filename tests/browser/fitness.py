"""What every page must be fit for: a telephone's width, and people who see or move otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped] # has none

from tests.browser.chromium import NARROW

if TYPE_CHECKING:
    from playwright.sync_api import Page

LARGE = (1400, 900)
TOO_WIDE = """() => {
    const most = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= most) return [];
    const wide = [...document.querySelectorAll("body *")];
    return wide.filter(each => each.getBoundingClientRect().right > most + 1)
        .map(each => `${each.tagName} ${each.className}`).slice(0, 8);
}"""
# What can be clicked but not reached by Tab, and icons whose names a screen reader says.
OUT_OF_REACH = """() => {
    const seen = each => each.checkVisibility({visibilityProperty: true});
    const clickable = [...document.querySelectorAll("a, button, summary, [x-on\\\\:click]")];
    const lost = clickable.filter(each => seen(each) && !each.disabled && each.tabIndex < 0);
    const icons = [...document.querySelectorAll(".material-symbols-outlined")];
    const said = icons.filter(each => seen(each) && !each.closest("[aria-hidden=true]")
        && !each.closest("[aria-label]"));
    return [...lost, ...said].filter(each => !each.id.endsWith("-close"))
        .map(each => each.outerHTML.slice(0, 160));
}"""
# Every rule that axe runs by itself, none of which reads what is in style sheets: fetching and
# parsing these again would take as long as the rules do.
OBSTACLES = """rules => axe.run({
    resultTypes: ["violations"], preload: {assets: ["media"]},
    ...(rules.length ? {runOnly: rules} : {}),
}).then(found => found.violations)"""
INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*json)|<style\b|<[^>]+\s(?:style|on[a-z]+)=\"")


@dataclass(frozen=True, slots=True)
class Survey:
    """What is wrong, by the page's name: empty where all is well."""

    too_wide: dict[str, list[str]] = field(default_factory=dict)  # elements that stick out
    obstacles: dict[str, list[str]] = field(default_factory=dict)  # what axe finds
    out_of_reach: dict[str, list[str]] = field(default_factory=dict)
    inline: dict[str, list[str]] = field(default_factory=dict)  # scripts and styles in the page


def survey(page: Page, addresses: dict[str, str]) -> Survey:
    """Open each page once, and look at it wide and narrow, light and dark."""
    found = Survey()
    for name, address in addresses.items():
        use_screen(page, LARGE)
        opened = page.goto(address)
        assert opened is not None
        if name != "queue":  # django-rq's own page
            keep(found.inline, name, INLINE.findall(opened.text()))
        page.add_style_tag(content="* { transition: none !important; }")
        page.evaluate(AXE_SCRIPT)
        keep(found.obstacles, f"{name}, wide", obstacles(page))
        keep(found.out_of_reach, name, page.evaluate(OUT_OF_REACH))
        page.evaluate("document.documentElement.classList.add('dark')")
        keep(found.obstacles, f"{name}, wide and dark", obstacles(page, "color-contrast"))
        use_screen(page, NARROW)
        keep(found.obstacles, f"{name}, narrow and dark", obstacles(page))
        keep(found.too_wide, name, page.evaluate(TOO_WIDE))
        page.evaluate("document.documentElement.classList.remove('dark')")
        keep(found.obstacles, f"{name}, narrow", obstacles(page, "color-contrast"))
    return found


def use_screen(page: Page, size: tuple[int, int]) -> None:
    """Look at the page through a window of that size."""
    page.set_viewport_size({"width": size[0], "height": size[1]})


def keep(found: dict[str, list[str]], name: str, seen: list[str]) -> None:
    if seen:
        found[name] = seen


def obstacles(page: Page, *rules: str) -> list[str]:
    """What axe, which the page has, finds; with `rules` only what breaks one of these."""
    return [summary(each) for each in page.evaluate(OBSTACLES, list(rules))]


def summary(violation: dict[str, Any]) -> str:
    """The rule, and the first elements that break it."""
    elements = [node["html"][:160] for node in violation["nodes"][:3]]
    return f"{violation['id']}: {'; '.join(elements)}"
