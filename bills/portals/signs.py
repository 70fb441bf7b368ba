"""Recognises a page: many signs, one wait. What nothing matches stays unrecognised."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from bills.portals import details, guesses
from bills.portals.failures import Code, PortalError
from bills.portals.targets import LOOK_SECONDS, calmly, dismiss_overlays
from bills.visit import retry_after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from bills.portals.recipe_schema import Sign
    from bills.visit import Visit

SUCCESS = "success"
CODES = {
    "locked": Code.LOCKED,
    "captcha": Code.CAPTCHA,
    "code": Code.OTP_NEEDED,
    "password_expired": Code.PASSWORD_EXPIRED,
    "action": Code.ACTION_NEEDED,
    "rate_limited": Code.RATE_LIMITED,
    "maintenance": Code.MAINTENANCE,
    "refused": Code.LOGIN_FAILED,
}
FROM_THE_START = ("captcha", "rate_limited", "maintenance")  # may stand before any login
LONGEST_CONTROL = 40  # characters of a button's text: longer ones are sentences

# `roots`, the document and its shadow roots, and `all` that a CSS selector finds in any of them.
EVERYWHERE = """
  const roots = [document];
  for (const root of roots)
    for (const part of root.querySelectorAll("*"))
      if (part.shadowRoot) roots.push(part.shadowRoot);
  const all = css => roots.flatMap(root => [...root.querySelectorAll(css)]);
"""
# One look at a page: whether it is loading, its visible text, the texts of its buttons and links,
# which CSS selectors are visible (null: not CSS, ask Playwright), and whether a button is that
# stands where banners have theirs. Shadow roots included.
LOOK = (
    "([selectors, longest, banner]) => {"
    + EVERYWHERE
    + """
  const shown = part => part.checkVisibility({visibilityProperty: true})
    && part.getClientRects().length > 0;
  const text = part => (part.innerText || part.value || "").trim();
  const texts = [document.body ? document.body.innerText : ""];
  for (const root of roots.slice(1))
    for (const part of root.children) texts.push(part.innerText || "");
  return {
    state: document.readyState,
    text: texts.join("\\n"),
    controls: all("a, button, input[type=submit], [role=button], [role=menuitem]")
      .filter(part => text(part).length <= longest && shown(part)).map(text),
    visible: selectors.map(css => { try { return all(css).some(shown); } catch { return null; } }),
    banner: !!banner && all(banner).some(shown),
  };
}"""
)


@dataclass(frozen=True, slots=True)
class Mark:
    """One way to recognise one outcome: a sign of the recipe, or a guessed regular expression.

    `phrase` is sought in the page's visible text, `control` is a whole button's or link's text.
    """

    outcome: str
    sign: Sign | None = None
    phrase: str = ""
    control: str = ""


FOUND = Mark("found")


def marks_for(visit: Visit, outcomes: Iterable[str] = CODES) -> list[Mark]:
    """The recipe's marks for these outcomes first, then the guessed ones where it has none."""
    given, guessed = [], []
    for outcome in outcomes:
        signs = getattr(visit.plan.recipe.outcomes, outcome)
        if signs is not None:
            given += [Mark(outcome, sign) for sign in signs]
        else:
            guessed += [Mark(outcome, sign) for sign in guesses.signs(outcome)]
            guessed += [Mark(outcome, phrase=text) for text in guesses.PHRASES.get(outcome, ())]
    return given + guessed


def success_marks(visit: Visit) -> list[Mark]:
    """What proves a login: the recipe's signs, else a way to log out."""
    signs = visit.plan.recipe.outcomes.success
    if signs is None:
        return [Mark(SUCCESS, control=guesses.LOG_OUT)]
    return [Mark(SUCCESS, sign) for sign in signs]


async def race(
    visit: Visit,
    marks: list[Mark],
    *,
    limit: float,
    ignored: frozenset[Mark] = frozenset(),
    sooner: Callable[[], Awaitable[bool]] | None = None,
) -> Mark | None:
    """Wait for the first mark; of those seen at one look the earliest in the list counts.

    `sooner` is asked before each look: where it is true, FOUND is the mark.

    `limit` is in seconds; while the portal owes us a page its clock stands still. None when
    nothing was recognised. Raises PortalError for another site, no answer, and error statuses.
    """
    gives_up_at, broken = visit.clock() + limit, 0
    while visit.clock() < gives_up_at:
        visit.check_site()
        if visit.is_waiting:  # nothing on the page that is on its way out counts any more
            await visit.pause(LOOK_SECONDS)
            continue
        if sooner is not None and await calmly(sooner()):
            return FOUND
        seen = await glance(visit, marks)
        if seen is not None:
            found = next((mark for mark in marks if mark in seen - ignored), None)
            if found is not None:
                return found
            broken = broken + 1 if visit.status >= 400 and not visit.is_waiting else 0
            if broken > 1:  # at the first look the page before it may still be shown
                visit.check_status()
        await visit.pause(LOOK_SECONDS)
    return None


async def glance(visit: Visit, marks: list[Mark]) -> set[Mark] | None:
    """The marks that the page shows now; None while it is being loaded or replaced."""
    seen = await calmly(_look_at(visit, marks))
    if seen is None:
        return None
    page, visible = seen
    text = " ".join(page["text"].split()).lower()
    text = text.replace(visit.login.email.lower(), " ")  # "wrongpassword@…" says nothing of ours
    controls = [" ".join(control.split()).lower() for control in page["controls"]]
    return {mark for mark in marks if is_shown(mark, visit.page.url, text, controls, visible)}


async def _look_at(
    visit: Visit, marks: list[Mark]
) -> tuple[dict[str, Any], dict[str, bool]] | None:
    """What LOOK tells, and by selector whether it is visible; None while the page is loading."""
    selectors = [mark.sign.selector for mark in marks if mark.sign and mark.sign.selector]
    page = await visit.page.evaluate(LOOK, [selectors, LONGEST_CONTROL, guesses.IN_A_BANNER])
    if page["banner"]:
        await dismiss_overlays(visit)
    if page["state"] == "loading":
        return None
    visible = dict(zip(selectors, page["visible"], strict=True))
    for selector in [selector for selector, known in visible.items() if known is None]:
        shown = visit.page.locator(selector).filter(visible=True)
        visible[selector] = await shown.count() > 0
    page["text"] += await text_of_frames(visit)
    return page, visible


def is_shown(
    mark: Mark, url: str, text: str, controls: list[str], visible: dict[str, bool]
) -> bool:
    """Whether a page with these properties shows the mark. Texts are in small letters."""
    if mark.control:
        return any(re.fullmatch(mark.control, control) for control in controls)
    if mark.sign is None:
        return bool(re.search(mark.phrase, text))
    if mark.sign.url:
        return bool(url_pattern(mark.sign.url).fullmatch(url))
    if mark.sign.text:
        return " ".join(mark.sign.text.split()).lower() in text
    return visible[mark.sign.selector]


def url_pattern(pattern: str) -> re.Pattern[str]:
    """`*` stands for any characters; a pattern without it may leave out query and fragment."""
    body = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.compile(body + ("" if "*" in pattern else r"(?:[?#].*)?"), re.IGNORECASE)


async def text_of_frames(visit: Visit) -> str:
    """The text inside the page's frames, where they are the portal's own."""
    texts = []
    for frame in visit.page.frames[1:]:
        if frame.url.startswith("http"):
            try:
                texts.append((await frame.evaluate(LOOK, [[], 0, ""]))["text"])
            except PlaywrightError:
                continue  # it came and went
    return "\n".join(["", *texts])


def refuse(visit: Visit, mark: Mark) -> None:
    """Raise what the mark means, unless it means success."""
    if mark.outcome in CODES:
        why = mark.sign.text if mark.sign else ""
        later = retry_after(visit.headers) if visit.status >= 400 else None
        detail = details.PAGE_SAYS.format(words=why) if why else ""
        raise PortalError(CODES[mark.outcome], detail, retry_after=later)
