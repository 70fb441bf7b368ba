"""The JavaScript that searches a page for boxes: those of its login form, or of a one-time code.

A page may hold several forms that take a password or an e-mail: a sign-up, a change of password, a
newsletter, a search. The box for the password decides which form counts; the box for the user and
the button are that form's (or, without a <form>, those of the nearest part of the page that holds
them all). A box for a new password never counts.
"""

from __future__ import annotations

import json

from bills.browser.pinning import PIN
from bills.portals.logins import phrases
from bills.portals.logins.signs import EVERYWHERE
from bills.portals.packing import packed

# `words` is the caller's: regular expressions by name.
BOXES = (
    EVERYWHERE
    + r"""
  const is = Object.fromEntries(
    Object.entries(words).map(([name, words]) => [name, new RegExp(words, "i")]));
  const shown = part => {
    const box = part.getBoundingClientRect();
    return part.checkVisibility({visibilityProperty: true, opacityProperty: true})
      && box.width > 1 && box.height > 1 && part.getAttribute("aria-hidden") !== "true";
  };
  const flat = text => (text || "").replace(/\s+/g, " ").trim().toLowerCase();
  const caption = part => flat(part.innerText || part.value || part.getAttribute("aria-label")
    || part.title || part.getAttribute("alt"));
  const byId = (part, ids) => (ids || "").split(/\s+/).filter(id => id)
    .map(id => (part.getRootNode().getElementById || (() => null)).call(part.getRootNode(), id))
    .map(found => found ? found.textContent : "").join(" ");
  // What people read beside a box, and what it is called in the page's own language.
  const label = box => flat([...(box.labels || [])].map(one => one.textContent).join(" ")
    + " " + (box.getAttribute("aria-label") || "") + " " + (box.placeholder || "")
    + " " + byId(box, box.getAttribute("aria-labelledby")));
  const names = box => flat(`${box.name || ""} ${box.id || ""} ${box.title || ""}`);
  const said = box => `${label(box)} ${names(box)}`;
  const completes = (box, what) =>
    flat(box.getAttribute("autocomplete")).split(" ").includes(what);
  const isSubmit = part => ["submit", "image"].includes(part.type);
"""
)


FORM_WORDS = {
    "logIn": f"^\\W*(?:{phrases.control_pattern('log_in')})\\W*$",
    "next": f"^\\W*(?:{phrases.control_pattern('next')})\\W*$",
    "newPassword": phrases.NEW_BOX,
    "signUp": phrases.SIGN_UP,
    "notALogin": phrases.NOT_A_LOGIN,
    "forgotten": phrases.FORGOTTEN,
    "userBox": phrases.USER_BOX,
    "otherWay": phrases.OTHER_WAY,
    "byPassword": phrases.ONE_OF_SEVERAL,
    "changes": phrases.CHANGES,
    "secondFactor": phrases.SECOND_FACTOR,
    "anotherWay": phrases.ANOTHER_WAY,
    "myPages": phrases.MY_PAGES,
}

# `given` is the box that the recipe names, or null. What it answers: `facts` (see
# `form.LoginForm`) and the elements `password`, `user`, `code`, `button` and `opener`, or null
# each.
FIND_FORM = (
    "([words, given]) => {"
    + BOXES
    + r"""
  const above = part => part.parentElement || (part.getRootNode() || {}).host || null;
  const isIn = (part, group) => {
    for (let here = part; here; here = above(here)) if (here === group) return true;
    return false;
  };
  const TEXTS = ["text", "email", "tel", "number", "url", ""];
  const isWritten = box => box.tagName === "INPUT" && TEXTS.includes(box.type);
  const isText = box => isWritten(box) && !isHidden(box)
    && !completes(box, "one-time-code") && !completes(box, "current-password")
    && shown(box) && !box.disabled;
  const BUTTONS = "button, input[type=submit], input[type=image], input[type=button], "
    + "[role=button], [role=tab], a, [onclick]";
  // What is no button by its kind is pressed only where its text says what it does.
  const isButton = part => part.matches("button, input, [role=button]");
  const inputs = all("input");
  const buttons = all(BUTTONS).filter(shown);
  const isHidden = box => box.type === "password" || completes(box, "current-password")
    || (isWritten(box) && !["none", ""].includes(getComputedStyle(box).webkitTextSecurity || ""));
  const passwords = inputs.filter(box => isHidden(box) && shown(box) && !box.disabled);

  // The form of a box; without one the nearest part that also holds a button (and another box).
  const groupOf = box => {
    if (box.form) return box.form;
    let holdsButton = null;
    for (let part = above(box); part; part = above(part)) {
      const press = buttons.some(one => (isButton(one) || is.logIn.test(caption(one)))
        && isIn(one, part) && !is.otherWay.test(caption(one)));
      if (press && !holdsButton) holdsButton = part;
      if (press && inputs.some(one => one !== box && isText(one) && isIn(one, part))) return part;
      if (part === document.body) break;
    }
    return holdsButton || document.body;
  };
  const belongs = (part, group) => part.form ? part.form === group : isIn(part, group);
  const action = group => {
    const address = group.tagName === "FORM" ? group.getAttribute("action") || "" : "";
    return flat(decodeURI(address.split(/[?#]/)[0].replace(/\/+$/, "").split("/").pop() || "")
      .replace(/[-_.]/g, " "));
  };
  const headings = group => {
    const inside = [...group.querySelectorAll("h1, h2, h3, h4, h5, h6, legend, [role=heading]")];
    const around = group === document.body ? null
      : group.parentElement && group.parentElement.closest("section, article, fieldset, dialog, "
        + "[role=dialog], [role=tabpanel], div");
    const near = inside.length || !around || around === document.body ? []
      : [...around.querySelectorAll("h1, h2, h3, h4, h5, h6, legend")].filter(
        one => one.compareDocumentPosition(group) & 4).slice(-1);
    return flat([...inside, ...near].map(one => one.textContent).join(" ")
      + " " + (group.getAttribute("aria-label") || ""));
  };
  const buttonOf = (group, box) => {
    const own = buttons.filter(one => belongs(one, group));
    const leadsAway = said => is.otherWay.test(said) || is.forgotten.test(said);
    const fit = own.filter(one => !leadsAway(caption(one)));
    const first = (among, ...tests) => {
      for (const test of tests) { const found = among.find(test); if (found) return found; }
      return null;
    };
    const logsIn = one => is.logIn.test(caption(one));
    const leadsOn = one => is.next.test(caption(one));
    const later = one => !!(box.compareDocumentPosition(one) & 4);
    if (group.tagName === "FORM")
      return first(fit, one => isSubmit(one) && logsIn(one), one => isSubmit(one) && leadsOn(one),
        one => isSubmit(one) && !is.signUp.test(caption(one)),
        one => isSubmit(one), logsIn, leadsOn,
        one => isButton(one) && later(one) && !is.signUp.test(caption(one)));
    const after = fit.filter(later);
    return first(after, logsIn, leadsOn) || first(fit, logsIn, leadsOn)
      || first(after, one => isButton(one) && !is.signUp.test(caption(one)));
  };
  const userOf = (group, password) => {
    const found = inputs.filter(box => isText(box) && belongs(box, group)
      && !is.notALogin.test(said(box)));
    const rank = box => (completes(box, "username") ? 6 : 0) + (completes(box, "email") ? 3 : 0)
      + (box.type === "email" ? 3 : 0) + (is.userBox.test(said(box)) ? 2 : 0)
      + (password && box.compareDocumentPosition(password) & 4 ? 1 : 0);
    const sorted = found.map((box, at) => [rank(box), at, box])
      .sort((one, other) => other[0] - one[0] || other[1] - one[1]);
    return sorted.length ? sorted[0][2] : null;
  };
  // A name such as "new_password" or "password2"; the digits of a name that changes say nothing.
  const forNewOne = new RegExp("(^|[-_.])(new|reg[a-z]*|confirm[a-z]*|repeat)[-_.]?pass"
    + "|pass(word|wd)?[-_.]?(2|again|confirm[a-z]*|repeat)$");
  // Where neither the form nor what holds it has a heading: the page's own, just before it.
  const headAbove = box => {
    const near = all("h1, h2, h3").filter(one => one.compareDocumentPosition(box) & 4
      && (part => !part || part.contains(box))(one.closest("section, article, form, aside")));
    return near.length ? flat(near.pop().textContent) : "";
  };
  const sendsAnything = /^\W*(submit|valider)\W*$/;
  const leadsIn = /log|sign|auth|session|konto/;
  const isCalledOne = box => is.byPassword.test(said(box)) || calledOne.test(said(box));
  const calledOne = /pass|pwd|\bpw\b|losen|kenn|wort\b|salasana|\bmdp\b|clave|haslo|\bpin/;
  const changesOne = (head, press, where) => [head, press, where].some(one =>
    is.forgotten.test(one)) || is.changes.test(press) || is.changes.test(where)
    || (is.changes.test(head) && is.byPassword.test(head));
  const judge = password => {
    const group = groupOf(password), button = buttonOf(group, password);
    const press = button ? caption(button) : "", where = action(group), head = headings(group);
    const logsIn = is.logIn.test(press);
    const isForLogin = (logsIn && !sendsAnything.test(press)) || is.logIn.test(head)
      || completes(password, "current-password");
    let against = "";
    if (completes(password, "new-password") || is.newPassword.test(label(password))
      || names(password).split(" ").some(name => forNewOne.test(name)))
      against = "new_password";
    else if (passwords.filter(box => belongs(box, group)).length > 1) against = "two_passwords";
    else if (is.signUp.test(where) || (!logsIn && is.signUp.test(press))) against = "sign_up";
    else if (!logsIn && is.notALogin.test(press)) against = "not_a_login";
    else if (!isForLogin && changesOne(head || headAbove(password), press, where))
      against = "new_password";
    // An access code, a document's key: hidden like a password, and nothing says that it is ours.
    else if (!isForLogin && !leadsIn.test(where) && !isCalledOne(password))
      against = "not_a_login";
    const headWords = head.split(/[^\p{L}]+/u).join(" ");
    const score = (completes(password, "current-password") ? 3 : 0) + (logsIn ? 3 : 0)
      + (is.logIn.test(head) ? 1 : 0) + (leadsIn.test(where) ? 1 : 0)
      - (is.signUp.test(headWords) && !logsIn ? 3 : 0) - (is.forgotten.test(where) ? 3 : 0);
    return {password, group, button, against, score, goal: where};
  };
  const identifier = box => {
    const group = groupOf(box), button = buttonOf(group, box);
    const press = button ? caption(button) : "", where = action(group), words = said(box);
    const leads = is.logIn.test(press) || is.next.test(press);
    if (passwords.some(one => belongs(one, group)) || box.closest("[role=search], footer"))
      return null;
    for (const bad of [is.notALogin, is.forgotten, is.signUp])
      if (bad.test(press) || bad.test(where) || (bad !== is.signUp && bad.test(words)))
        return null;
    const score = (completes(box, "username") ? 3 : 0) + (is.userBox.test(words) ? 2 : 0)
      + (box.type === "email" ? 1 : 0) + (leads ? 2 : 0)
      + (is.logIn.test(headings(group)) ? 1 : 0);
    return score >= 3 ? {box, group, button, score} : null;
  };
  const best = found => found.sort((one, other) => other.score - one.score)[0];
  const facts = {kind: "none", against: "", ambiguous: false, extra: "", typed: false,
    needsCode: false};
  const answer = {facts, password: null, user: null, code: null, button: null, opener: null};
  const judged = (given ? [given] : passwords).map(judge);
  const fit = given ? judged : judged.filter(one => !one.against);
  const chosen = best(fit);
  if (chosen) {
    const user = userOf(chosen.group, chosen.password)
      || inputs.find(box => isText(box) && completes(box, "username") && !box.form) || null;
    facts.kind = "password";
    facts.ambiguous = fit.some(one => one !== chosen && chosen.score - one.score < 2
      && one.group !== chosen.group && one.goal !== chosen.goal);
    const code = inputs.find(box => isWritten(box) && box !== user && shown(box) && !box.disabled
      && belongs(box, chosen.group)
      && (completes(box, "one-time-code") || is.secondFactor.test(said(box)))) || null;
    facts.needsCode = !!code && code.required;
    const open = inputs.find(box => isText(box) && box !== user && box !== code && box.required
      && !box.value && belongs(box, chosen.group));
    facts.extra = open ? (label(open) || names(open)).slice(0, 60) : "";
    // Some are read-only until they have the focus, so that no browser fills them in by itself.
    for (const box of [chosen.password, user])
      if (box && box.readOnly && !box.value) box.focus();
    facts.typed = !!user && user.readOnly && !!user.value;
    return Object.assign(answer, {password: chosen.password, user, code, button: chosen.button});
  }
  facts.against = judged.length ? judged[0].against : "";
  const asked = best(inputs.filter(isText).map(identifier).filter(one => one));
  if (asked) {
    facts.kind = "user";
    return Object.assign(answer, {user: asked.box, button: asked.button});
  }
  const byPassword = one => is.byPassword.test(caption(one)) && caption(one).length < 60
    && ![is.newPassword, is.signUp, is.forgotten, is.changes].some(bad => bad.test(caption(one)));
  const opener = buttons.find(byPassword) || buttons.find(
    one => is.logIn.test(caption(one)) && caption(one) !== "submit"
    && !(one.form && passwords.some(box => box.form === one.form)))
    || buttons.find(one => is.anotherWay.test(caption(one)))
    || buttons.find(one => is.myPages.test(caption(one)));
  if (opener) facts.kind = "open";
  return Object.assign(answer, {opener: opener || null});
}"""
)
SETTLES_MS = 16
# The same for the box that bears the mark already, where `keeps` and there is one. What it has
# found is marked: `parts` are the names. Of a box for the password that is kept, `goal` is where
# it leads, `holds` and `most` how many characters it holds and can hold. With a `mark` (see
# `pinning`), the box is pinned.
MARK_FORM = packed(f"""async ([given, seal, keeps, mark]) => {{{EVERYWHERE}{PIN}
  const marked = name => all(`[data-redrive-form="${{seal}}-${{name}}"]`);
  // What empties the box, or moves the focus on, has its turn before it is looked at.
  if (keeps) await new Promise(done => setTimeout(done, {SETTLES_MS}));
  const kept = keeps ? marked("password") : [];
  const isKept = kept.length === 1, box = isKept ? kept[0] : given;
  const {{facts, ...found}} = ({FIND_FORM})([{json.dumps(FORM_WORDS)}, box]);
  const {{password}} = found;
  // Where the box is gone, nothing else on the page stands for what was filled in.
  const parts = keeps && !password ? [] : Object.keys(found).filter(name => found[name]);
  for (const name of parts) {{
    for (const old of marked(name))
      if (old !== found[name]) old.removeAttribute("data-redrive-form");
    found[name].setAttribute("data-redrive-form", `${{seal}}-${{name}}`);
  }}
  return {{
    ...facts, parts, goal: password && keeps ? goal(password) : [],
    holds: isKept ? box.value.length : null, most: isKept ? box.maxLength : -1,
    pinned: password && mark ? await pin(password, mark) : null,
  }};
}}""")
# Where a page moves the focus on while it is typed: nothing of it may stay in another box.
PUT_IN = (
    "(box, text) => {"
    + EVERYWHERE
    + r"""
  const set = (one, value) => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(one, value);
    for (const name of ["input", "change"]) one.dispatchEvent(new Event(name, {bubbles: true}));
  };
  for (const one of all("input"))
    if (one !== box && one.type !== "file" && one.value.includes(text))
      set(one, one.value.replaceAll(text, ""));
  set(box, text);
}"""
)
# Whether the page of a login form without a box for the user names this one.
NAMES_USER = """(box, user) => {
  const small = text => (text || "").trim().toLowerCase(), name = small(user);
  const inputs = [...(box.form || document).querySelectorAll("input:not([type=password])")];
  return inputs.some(one => small(one.value) === name)
    || small(document.body.innerText).split(/[\\s,;()<>]+/).includes(name);
}"""


CODE_WORDS = {
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
