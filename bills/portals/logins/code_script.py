"""The JavaScript that finds where a page wants a one-time code: its boxes, its button."""

from __future__ import annotations

from bills.portals.logins import phrases
from bills.portals.logins.boxes_script import BOXES

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
    + BOXES
    + r"""
  const KINDS = ["text", "tel", "number", "password", ""];
  const texts = all("input").filter(box => KINDS.includes(box.type) && shown(box)
    && !box.disabled && !box.readOnly && !box.closest("[role=search], footer"));
  const plain = texts.filter(box => box.type !== "password" && !is.noCode.test(said(box)));
  let boxes = given ? [given] : texts.filter(box => completes(box, "one-time-code"));
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
  const sends = one => is.send.test(caption(one));
  const button = own.find(one => is.confirm.test(caption(one)) && !sends(one))
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
