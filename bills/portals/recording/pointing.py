"""What stands at a point of the page, and the target by which an attempt finds it again.

A page's script only proposes names. Each is then looked for as an attempt does, and the first that
leads to the very same element is taken: so a recipe's target is proven when it is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bills.portals.recipe_schema import ROLES, Target
from bills.portals.recording.acts import names_one_of
from bills.portals.targets import calmly_look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import ElementHandle, Frame, Page

    from bills.portals.recording.acts import PlainTarget

LONGEST_NAME = 80  # characters: what is longer is a text, not a name
DEEPEST_FRAME = 5
# The innermost element at a point of the frame's own view, shadow trees included.
AT_POINT = """([x, y]) => {
  let found = document.elementFromPoint(x, y);
  while (found && found.shadowRoot) {
    const inner = found.shadowRoot.elementFromPoint(x, y);
    if (!inner || inner === found) break;
    found = inner;
  }
  return found;
}"""
FOCUSED = """() => {
  let found = document.activeElement;
  while (found && found.shadowRoot && found.shadowRoot.activeElement)
    found = found.shadowRoot.activeElement;
  return found === document.body ? null : found;
}"""
# Where a frame's own view begins in that of the page around it.
FRAME_CORNER = """frame => {
  const box = frame.getBoundingClientRect();
  return [box.left + frame.clientLeft, box.top + frame.clientTop];
}"""
# What is pressed when a part of it is: a button's icon is the button.
CONTROL = """part => {
  const found = part.closest("a[href], button, input, select, textarea, summary, [role=button],"
    + "[role=link], [role=tab], [role=menuitem], [role=option], [role=checkbox], [role=radio],"
    + "[role=switch], label, [onclick]") || part;
  return found.tagName === "LABEL" && found.control ? found.control : found;
}"""
FACTS = r"""(part, most) => {
  const flat = text => (text || "").replace(/\s+/g, " ").trim();
  const cut = text => flat(text).length <= most ? flat(text) : "";
  const tag = part.tagName.toLowerCase();
  const type = tag === "input" ? (part.type || "text").toLowerCase() : "";
  const pressed = ["button", "submit", "reset", "image"].includes(type);
  const ticked = ["checkbox", "radio"].includes(type);
  const isBox = tag === "textarea" || tag === "select" || (tag === "input" && !pressed && !ticked)
    || part.isContentEditable;
  const usual = {a: "link", button: "button", select: "combobox", textarea: "textbox",
    summary: "", h1: "heading", h2: "heading", h3: "heading", img: "img", td: "cell"};
  const byIds = ids => flat(ids).split(" ").map(id => document.getElementById(id))
    .map(one => one ? one.textContent : "").join(" ");
  const called = part.getAttribute("aria-label") || byIds(part.getAttribute("aria-labelledby"));
  const pathTo = byIds => {
    const path = [];
    for (let here = part; here && here.nodeType === 1; here = here.parentElement) {
      const id = byIds && here.id && !/\d{2}/.test(here.id) ? "#" + CSS.escape(here.id) : "";
      if (id && document.querySelectorAll(id).length === 1) { path.unshift(id); break; }
      const alike = here.parentElement
        ? [...here.parentElement.children].filter(one => one.tagName === here.tagName) : [here];
      const name = here.tagName.toLowerCase();
      path.unshift(alike.length > 1 ? `${name}:nth-of-type(${alike.indexOf(here) + 1})` : name);
    }
    return path.join(" > ");
  };
  const named = part.getAttribute("name");
  return {
    tag, type, isBox, isTicked: ticked,
    isPassword: type === "password",
    role: part.getAttribute("role") || (pressed ? "button" : ticked ? type : usual[tag] || ""),
    labels: [...(part.labels || [])].map(one => cut(one.textContent)).filter(one => one),
    name: cut(called) || (isBox ? "" : cut(part.innerText || part.value || part.alt
      || part.title || (part.querySelector("img[alt]") || {}).alt)),
    placeholder: cut(part.getAttribute("placeholder")),
    text: isBox || ticked ? "" : cut(part.innerText),
    byName: named && !/\d{2}/.test(named) && isBox ? `${tag}[name=${JSON.stringify(named)}]` : "",
    path: pathTo(true),
    place: pathTo(false),
    options: tag === "select" ? [...part.options].slice(0, 200).map(one => flat(one.label)) : [],
    inRow: !!part.closest("tr, li, article, [role=row], [role=listitem]"),
  };
}"""
SAME = "(part, other) => part === other || part.contains(other) || other.contains(part)"


@dataclass(frozen=True, slots=True)
class Pointed:
    """An element that was pointed at, and the target that leads to it alone.

    `alike` is a target that other elements share: in a list, every row has one like it.
    """

    element: ElementHandle
    frame: Frame
    target: PlainTarget
    alike: PlainTarget
    facts: dict[str, Any]


async def at_point(page: Page, x: float, y: float, avoid: tuple[str, ...]) -> Pointed | None:
    """What stands there; None for nothing. No target holds one of the texts to `avoid`."""
    frame = page.main_frame
    for _ in range(DEEPEST_FRAME):
        found = (await frame.evaluate_handle(AT_POINT, [x, y])).as_element()
        if found is None:
            return None
        inner = await found.content_frame()
        if inner is None:
            control = (await found.evaluate_handle(CONTROL)).as_element() or found
            return await pointed(frame, control, avoid)
        left, top = await found.evaluate(FRAME_CORNER)
        frame, x, y = inner, x - left, y - top
    return None


async def focused(page: Page, avoid: tuple[str, ...]) -> Pointed | None:
    """The box that the cursor stands in."""
    frame = page.main_frame
    for _ in range(DEEPEST_FRAME):
        found = (await frame.evaluate_handle(FOCUSED)).as_element()
        if found is None:
            return None
        inner = await found.content_frame()
        if inner is None:
            return await pointed(frame, found, avoid)
        frame = inner
    return None


async def pointed(frame: Frame, element: ElementHandle, avoid: tuple[str, ...]) -> Pointed:
    """The element with the first of its names that leads to it."""
    facts: dict[str, Any] = await element.evaluate(FACTS, LONGEST_NAME)
    alike: PlainTarget = {}
    for plain in proposals(facts):
        if names_one_of(avoid, *plain.values()):
            continue
        found = await calmly_look(frame, [Target(**plain)])
        other = await found.element_handle() if found is not None else None
        if other is None:
            continue
        if await element.evaluate(SAME, other):
            return Pointed(element, frame, plain, alike or plain, facts)
        alike = alike or ({} if "selector" in plain else plain)
    return Pointed(element, frame, {"selector": facts["place"]}, alike, facts)


def proposals(facts: dict[str, Any]) -> Iterator[PlainTarget]:
    """Its names, the surest first."""
    if facts["isBox"] or facts["isTicked"]:
        yield from ({"label": label} for label in facts["labels"])
        if facts["name"]:
            yield {"label": facts["name"]}
        if facts["placeholder"]:
            yield {"placeholder": facts["placeholder"]}
        if facts["byName"]:
            yield {"selector": facts["byName"]}
    if facts["role"] in ROLES and facts["name"] and not facts["isBox"]:
        yield {"role": facts["role"], "name": facts["name"]}
    if facts["text"]:
        yield {"text": facts["text"]}
    yield {"selector": facts["path"]}
    yield {"selector": facts["place"]}  # of tags and numbers: no text of the account is in it
