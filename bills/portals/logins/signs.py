"""Recognises a page: many signs, one wait. What nothing matches stays unrecognised.

What a dialog says (alert, confirm, prompt, beforeunload) is part of what the page says, and it is
answered here. Nothing is agreed to that binds the account's owner: unless the recipe says
otherwise, a question is answered with "Cancel", but for "somebody is logged in with your name: go
on?".
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from bills.browser.report import Stage
from bills.portals import failures, guesses
from bills.portals.failures import Code, PortalError
from bills.portals.logins import phrases
from bills.portals.packing import packed, unpacked
from bills.portals.targets import LOOK_SECONDS, calmly, dismiss_overlays
from imports.http.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from playwright.async_api import ElementHandle

    from bills.browser.visit import Visit
    from bills.portals.recipe_schema import DialogRule, Sign
    from imports.messages import Text


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
CAN_WAIT = ("password_expired", "action")  # where the page itself offers "later"
LONGEST_TEXT = 60_000  # characters: the first and the last half of them
LONGEST_CONTROL = 60  # characters of a button's text: longer ones are sentences
CALM_LOOKS = 8  # at a page that shows nothing we know, before it may be one in between
MOST_PAGES_BETWEEN = 6
MOST_FRAMES = 20
MOST_MATCHES = 20
PRESS_SECONDS = 3.0
TAKEN_UP_SECONDS = 0.5  # a page that closes an offer by itself asks for nothing
LONG_NAME = 6  # characters of a user's name: a shorter one stands in ordinary words
YES = frozenset({""})
ANYTHING = frozenset({"anything"})  # of a mark that does not count, however it looks

# `roots`, the document and its shadow roots, and `all` that a CSS selector finds in any of them.
EVERYWHERE = """
  const roots = [document];
  for (const root of roots)
    for (const part of root.querySelectorAll("*"))
      if (part.shadowRoot) roots.push(part.shadowRoot);
  const all = css => roots.flatMap(root => [...root.querySelectorAll(css)]);
"""
# One look at a page: whether it is loading, its language, its visible text, the texts of its
# buttons and links, whether one of them leads out of an account, which CSS selectors are visible
# (null: not CSS, ask Playwright), and whether a button is that stands where banners have theirs.
# Shadow roots included. A page may be of any size: what is told of it is not.
_ASKED = {
    "longest": LONGEST_CONTROL, "banner": guesses.IN_A_BANNER, "most": LONGEST_TEXT,
    "cookies": guesses.ABOUT_COOKIES, "agree": phrases.control_pattern("cookies"),
    "leaving": guesses.LEAVING,
}  # fmt: skip
LOOK = packed(
    "selectors => {"
    + f"const {{longest, banner, most, cookies, agree, leaving}} = {json.dumps(_ASKED)};"
    + EVERYWHERE
    + r"""
  const shown = part => part.checkVisibility({visibilityProperty: true})
    && part.getClientRects().length > 0;
  const cut = text => text.length <= most ? text
    : text.slice(0, most / 2) + "\n" + text.slice(-most / 2);
  const text = part => (part.innerText || part.value || part.getAttribute("aria-label")
    || part.title || "").trim();
  const texts = [document.body ? document.body.innerText : ""];
  for (const root of roots.slice(1))
    for (const part of root.children) texts.push(part.innerText || "");
  const parts = all("a, button, input[type=submit], [role=button], [role=menuitem]").slice(0, 1000)
    .filter(part => text(part).length <= longest && shown(part));
  // A button that agrees to cookies, in whatever it stands: marked for who presses banners away.
  const agrees = new RegExp(`^\W*(?:${agree})\W*$`, "i"), aboutCookies = new RegExp(cookies, "i");
  const OVER = ["fixed", "sticky", "absolute"];
  const isBanner = part => {
    if (!agrees.test(text(part))) return false;
    for (let box = part, up = 0; box && up < 8; box = box.parentElement, up += 1)
      if (box !== document.body && OVER.includes(getComputedStyle(box).position)
        || box.tagName === "DIALOG" || box.getAttribute("role") === "dialog")
        return aboutCookies.test((box.innerText || "").slice(0, 5000));
    return false;
  };
  const banners = parts.filter(isBanner);
  for (const part of banners) part.setAttribute("data-redrive-banner", "");
  const leads = new RegExp(leaving, "i");
  const last = address =>
    (address || "").split(/[?#]/)[0].split("/").filter(one => one).pop() || "";
  return {
    state: document.readyState,
    lang: document.documentElement ? document.documentElement.lang || "" : "",
    text: cut(texts.join("\n")),
    controls: parts.map(text),
    leaves: all("a[href], form[action]").slice(0, 3000).some(part => leads.test(
      last(part.getAttribute("href") || part.getAttribute("action")))),
    visible: selectors.map(css => { try { return all(css).some(shown); } catch { return null; } }),
    banner: banners.length > 0 || !!banner && all(banner).some(shown),
  };
}"""
)
# The first visible button or link whose whole text matches. Where it would confirm something, not
# on a page that asks for a password.
CONTROL = (
    "([words, confirms]) => {"
    + EVERYWHERE
    + r"""
  const shown = part => part.checkVisibility({visibilityProperty: true})
    && part.getClientRects().length > 0;
  if (confirms && all("input[type=password]").some(shown)) return null;
  const wanted = new RegExp(`^\W*(?:${words})\W*$`, "i");
  const text = part => (part.innerText || part.value || part.getAttribute("aria-label") || "")
    .replace(/\s+/g, " ").trim();
  return all("button, input[type=submit], input[type=button], [role=button], a").slice(0, 1000)
    .find(part => wanted.test(text(part)) && shown(part) && !part.disabled) || null;
}"""
)


@dataclass(frozen=True, slots=True)
class Mark:
    """One way to recognise one outcome: a sign of the recipe, or a guessed regular expression.

    `phrase` is sought in the page's visible text, `control` is a whole button's or link's text.
    `language` is the phrase's: on a page that says in which language it is, that one counts first.
    """

    outcome: str
    sign: Sign | None = None
    phrase: str = ""
    control: str = ""
    language: str = ""

    @property
    def is_guess(self) -> bool:
        return self.sign is None or self.sign in guesses.signs(self.outcome)


# What was seen of each mark: the texts that matched a phrase, [""] for all others.
Seen = dict[Mark, frozenset[str]]


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
            spoken = phrases.outcome_patterns(outcome)
            guessed += [Mark(outcome, phrase=text, language=name) for name, text in spoken.items()]
    return given + guessed


def success_marks(visit: Visit) -> list[Mark]:
    """What proves a login: the recipe's signs, else a way to log out."""
    signs = visit.plan.recipe.outcomes.success
    if signs is None:
        return [Mark(SUCCESS, control=phrases.control_pattern("log_out"))]
    return [Mark(SUCCESS, sign) for sign in signs]


async def race(
    visit: Visit,
    marks: list[Mark],
    *,
    limit: float,
    ignored: Seen | frozenset[Mark] | None = None,
    sooner: Callable[[], Awaitable[bool]] | None = None,
    beside: dict[Mark, bool] | None = None,
) -> Mark | None:
    """Wait for the first mark; of those seen at one look the earliest in the list counts.

    `sooner` is asked before each look: where it is true, FOUND is the mark. `beside` are marks
    that decide nothing: it tells whether the last look has shown them. Pages in between are
    passed. `limit` is in seconds; its clock stands still while the portal owes us a page. None
    when nothing was recognised. Raises PortalError for another site, no answer, error statuses.
    """
    gives_up_at, broken, calm = visit.clock() + limit, 0, 0
    before = ignored if isinstance(ignored, dict) else dict.fromkeys(ignored or (), ANYTHING)
    while visit.clock() < gives_up_at:
        visit.check_site()
        if visit.is_waiting:  # nothing on the page that is on its way out counts any more
            await visit.pause(LOOK_SECONDS)
            continue
        if sooner is not None and await calmly(sooner()):
            return FOUND
        seen = await glance(visit, [*marks, *(beside or ())])
        if seen is not None:
            if beside is not None:
                beside.update({mark: mark in seen for mark in beside})
            found = next((mark for mark in marks if counted(mark, seen, before)), None)
            if found is not None and not (found.is_guess and found.outcome in CAN_WAIT):
                return found
            calm += 1
            passed = await goes_on(visit) if found or calm > CALM_LOOKS else False
            if passed:
                gives_up_at, calm = visit.clock() + limit, 0
                continue
            if found is not None and passed is not None:
                return found
            broken = broken + 1 if visit.status >= 400 and not visit.is_waiting else 0
            if broken > 1:  # at the first look the page before it may still be shown
                visit.check_status()
        await visit.pause(LOOK_SECONDS)
    return None


def counted(mark: Mark, seen: Seen, before: Seen) -> bool:
    """Whether the page shows the mark now in a way in which it did not show it before.

    A help text ("Is your account locked?") stands there before and after: it proves nothing.
    """
    was = before.get(mark, frozenset())
    return mark in seen and was is not ANYTHING and bool(seen[mark] - was)


async def glance(visit: Visit, marks: list[Mark]) -> Seen | None:
    """The marks that the page shows now; None while it is being loaded or replaced.

    What its dialogs said counts as its text.
    """
    seen = await calmly(_look_at(visit, marks))
    if seen is None:
        return None
    page, visible = seen
    page["text"] = plain_text(f"{page['text']} {visit.said_in_dialogs()}", visit.login.email)
    page["controls"] = [" ".join(control.split()).lower() for control in page["controls"]]
    url = visit.page.url
    shown = {mark: texts_of(mark, url, page, visible) for mark in marks}
    return in_its_language({mark: texts for mark, texts in shown.items() if texts}, page["lang"])


def plain_text(text: str, email: str) -> str:
    """Text as phrases are matched against it, without the user's own name.

    "wrongpassword@example.com" says nothing of ours.
    """
    small = " ".join(text.split()).lower().replace("\u2019", "'")
    name = " ".join(email.split()).lower()
    return small.replace(name, " ") if "@" in name or len(name) >= LONG_NAME else small


def in_its_language(seen: Seen, lang: str) -> Seen:
    """Phrases of the page's own language (or of English) count before those of all others."""
    own = (phrases.language(lang), "en", "")
    if own[0] and any(mark.phrase and mark.language in own[:2] for mark in seen):
        return {mark: texts for mark, texts in seen.items() if mark.language in own}
    return seen


async def look_at(visit: Visit, selectors: list[str]) -> dict[str, Any]:
    """What LOOK tells of the page."""
    summary: dict[str, Any] = unpacked(await visit.page.evaluate(LOOK, selectors))
    return summary


async def _look_at(
    visit: Visit, marks: list[Mark]
) -> tuple[dict[str, Any], dict[str, bool]] | None:
    """What LOOK tells, and by selector whether it is visible; None while the page is loading."""
    selectors = [mark.sign.selector for mark in marks if mark.sign and mark.sign.selector]
    page = await look_at(visit, selectors)
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


def texts_of(
    mark: Mark, url: str, page: dict[str, Any], visible: dict[str, bool]
) -> frozenset[str]:
    """What the page shows of the mark: nothing where it does not. Texts are in small letters."""
    if mark.phrase:
        return matches(mark.phrase, page["text"])
    if mark.control:
        return controls_of(mark, page)
    return YES if is_shown(mark, url, page, visible) else frozenset()


def controls_of(mark: Mark, page: dict[str, Any]) -> frozenset[str]:
    """The buttons and links that are the mark's, and "" for a hidden one that leads out.

    A page may have the hidden one before the login, and show it only afterwards.
    """
    pattern = phrases.compiled(mark.control)
    shown = frozenset(one for one in page["controls"] if pattern.fullmatch(one))
    return shown | YES if page["leaves"] else shown


@lru_cache(maxsize=512)
def matches(phrase: str, text: str) -> frozenset[str]:
    """The places in the text that match. A page is looked at many times, and seldom changes."""
    found = islice(phrases.compiled(phrase).finditer(text), MOST_MATCHES)
    return frozenset(match[0] for match in found)


def is_shown(mark: Mark, url: str, page: dict[str, Any], visible: dict[str, bool]) -> bool:
    """Whether a page with these properties shows the sign of a recipe, or a guessed selector."""
    if mark.sign is None:
        return False
    if mark.sign.url:
        return bool(url_pattern(mark.sign.url).fullmatch(url))
    if mark.sign.text:
        return " ".join(mark.sign.text.split()).lower() in page["text"]
    return visible[mark.sign.selector]


def url_pattern(pattern: str) -> re.Pattern[str]:
    """`*` stands for any characters; a pattern without it may leave out query and fragment."""
    body = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.compile(body + ("" if "*" in pattern else r"(?:[?#].*)?"), re.IGNORECASE)


async def goes_on(visit: Visit) -> bool | None:
    """Whether there is a way on from a page that shows nothing we know: it has been taken.

    None while the page is being replaced: what it shows decides nothing.
    """
    if visit.report.stage is Stage.JUDGE and visit.follow_window():
        return True
    return await pass_page_between(visit)


async def pass_page_between(visit: Visit) -> bool | None:
    """Press what leaves an offer for later, or ends another session; False where nothing does.

    None while the page is being replaced, by what was pressed at an earlier look, perhaps.
    Never what agrees to something: that is for the account's owner, or for the recipe.
    """
    if visit.pages_passed >= MOST_PAGES_BETWEEN:
        return False
    page = await calmly(look_at(visit, []))
    if page is None or page["state"] == "loading":
        return None
    kinds = ["later"]
    if phrases.asks_to_end_a_session(page["text"]):
        kinds = ["end_session", "later"]
    for kind in kinds:
        pattern = phrases.control_pattern(kind)
        found = await calmly(visit.page.evaluate_handle(CONTROL, [pattern, kind == "end_session"]))
        if found is None:
            return None
        button = found.as_element()
        if button is not None:
            text = (await calmly(button.inner_text()) or "").strip()
            asked = visit.requests_made
            if await calmly(press(button)) is None:
                return None
            await taken_up(visit, asked)
            visit.pages_passed += 1
            visit.note(failures.PRESSED.format(text=text[:LONGEST_CONTROL]))
            return True
    return False


async def press(button: ElementHandle) -> bool:
    """Press it; whether what comes of it is the page that was wanted shows at the next look."""
    await button.click(timeout=PRESS_SECONDS * 1000, no_wait_after=True)
    return True


async def taken_up(visit: Visit, asked: int) -> None:
    """Give the page a moment to ask for what follows: it would be pressed again otherwise."""
    ends_at = visit.clock() + TAKEN_UP_SECONDS
    while visit.requests_made == asked and not visit.is_waiting and visit.clock() < ends_at:
        await visit.pause(LOOK_SECONDS)


async def text_of_frames(visit: Visit) -> str:
    """The text inside the page's frames, where they are the portal's own."""
    texts = []
    for frame in visit.page.frames[1 : MOST_FRAMES + 1]:
        if frame.url.startswith("http"):
            try:
                text = await frame.evaluate(
                    "most => document.body ? document.body.innerText.slice(0, most) : ''",
                    LONGEST_TEXT,
                )
                texts.append(text)
            except PlaywrightError:
                continue  # it came and went
    return "\n".join(["", *texts])


def refuse(visit: Visit, mark: Mark) -> None:
    """Raise what the mark means, unless it means success."""
    if mark.outcome in CODES:
        why = mark.sign.text if mark.sign else ""
        is_refused = visit.status >= 400
        later = retry_after(visit.headers, time.time()) if is_refused else None
        detail = failures.PAGE_SAYS.format(text=why) if why else dialog_that_says(visit, mark)
        raise PortalError(CODES[mark.outcome], detail, retry_after=later)


def dialog_that_says(visit: Visit, mark: Mark) -> Text:
    """The dialog that decided, where it was one."""
    for dialog in visit.dialogs:
        text = plain_text(dialog.text, visit.login.email)
        if mark.phrase and matches(mark.phrase, text):
            return failures.DIALOG_SAID.format(text=dialog.text)
    return ""


LONGEST_DIALOG = 300  # characters of what a dialog says
MOST_DIALOGS = 50  # of one attempt: more of them never end
JUST_CLOSED = ("alert", "beforeunload")  # nothing is asked, or only whether to leave the page


@dataclass(frozen=True, slots=True)
class Dialog:
    """One dialog that was answered. `kind` is what Playwright calls it."""

    kind: str
    text: str
    accepted: bool


def rule_for(text: str, rules: Iterable[DialogRule]) -> DialogRule | None:
    """The recipe's first rule whose text stands in what the dialog says."""
    small = _flat(text)
    return next((rule for rule in rules if _flat(rule.text) in small), None)


def accepts(kind: str, text: str, rule: DialogRule | None) -> bool:
    """Whether the dialog is answered with OK."""
    if rule is not None:
        return rule.answer == "accept"
    return kind in JUST_CLOSED or (kind == "confirm" and phrases.asks_to_end_a_session(text))


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
