"""The JavaScript that finds where a page wants a one-time code: its boxes, its button."""

from __future__ import annotations

from bills.portals.logins import phrases
from bills.portals.logins.signs import EVERYWHERE

WORDS = {
    "code": phrases.CODE_BOX,
    "noCode": phrases.NO_CODE_BOX,
    "confirm": f"^\\W*(?:{phrases.control_pattern('confirm_code')}"
    f"|{phrases.control_pattern('next')}|{phrases.control_pattern('log_in')})\\W*$",
    "send": f"^\\W*(?:{phrases.control_pattern('send_code')})\\W*$",
    "remember": phrases.REMEMBER_DEVICE,
}

# What it answers: `boxes` (several where each takes one letter), and the elements `button`,
# `send` (what has a code sent) and `remember` (the box that makes this a known device), or null.
# `given` is the box that the recipe names, or null.
FIND_CODE = (
    "([words, given]) => {"
    + EVERYWHERE
    + r"""
  const is = Object.fromEntries(
    Object.entries(words).map(([name, words]) => [name, new RegExp(words, "i")]));
  const shown = part => {
    const box = part.getBoundingClientRect();
    return part.checkVisibility({visibilityProperty: true, opacityProperty: true})
      && box.width > 1 && box.height > 1;
  };
  const flat = text => (text || "").replace(/\s+/g, " ").trim().toLowerCase();
  const labelOf = part => flat(part.innerText || part.value || part.getAttribute("aria-label"));
  const byId = (part, ids) => (ids || "").split(/\s+/).filter(id => id)
    .map(id => (part.getRootNode().getElementById || (() => null)).call(part.getRootNode(), id))
    .map(found => found ? found.textContent : "").join(" ");
  const said = box => flat([...(box.labels || [])].map(one => one.textContent).join(" ")
    + " " + (box.getAttribute("aria-label") || "") + " " + (box.placeholder || "")
    + " " + byId(box, box.getAttribute("aria-labelledby")) + " " + (box.name || "")
    + " " + (box.id || ""));
  const KINDS = ["text", "tel", "number", "password", ""];
  const texts = all("input").filter(box => KINDS.includes(box.type) && shown(box)
    && !box.disabled && !box.readOnly && !box.closest("[role=search], footer"));
  const completes = box => flat(box.getAttribute("autocomplete")).split(" ")
    .includes("one-time-code");
  const plain = texts.filter(box => box.type !== "password" && !is.noCode.test(said(box)));
  let boxes = given ? [given] : texts.filter(completes);
  if (!boxes.length)
    boxes = texts.filter(box => is.code.test(said(box)) && !is.noCode.test(said(box)));
  const single = texts.filter(box => box.maxLength === 1);
  if (single.length >= 4 && (!boxes.length || boxes[0].maxLength === 1)) boxes = single;
  if (!boxes.length && plain.length === 1) boxes = plain;
  if (boxes.length && boxes[0].maxLength !== 1) boxes = boxes.slice(0, 1);
  const buttons = all("button, input[type=submit], input[type=image], input[type=button], "
    + "[role=button], a").filter(shown);
  const form = boxes.length ? boxes[0].form : null;
  const own = form ? buttons.filter(one => one.form === form || form.contains(one)) : buttons;
  const isSubmit = one => ["submit", "image"].includes(one.type);
  const sends = one => is.send.test(labelOf(one));
  const button = own.find(one => is.confirm.test(labelOf(one)) && !sends(one))
    || (form ? own.find(one => isSubmit(one) && !sends(one)) : null) || null;
  const ticks = all("input[type=checkbox]").filter(one => !one.disabled && !one.checked
    && is.remember.test(said(one)));
  return {
    boxes, button,
    send: boxes.length ? null : buttons.find(sends) || null,
    remember: ticks[0] || null,
  };
}"""
)
