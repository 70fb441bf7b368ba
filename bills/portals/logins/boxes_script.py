"""The JavaScript that both searches for boxes begin with: what a page's boxes and buttons say."""

from __future__ import annotations

from bills.portals.logins.signs import EVERYWHERE

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
