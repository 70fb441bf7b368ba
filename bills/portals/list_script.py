"""The JavaScript that reads a list of bills, ready for `page.evaluate`: see lists/script.js.

It needs nothing of Playwright's in the page; what a recipe gives as one of Playwright's own
selectors, which a browser does not know, is left to Playwright (FOUND_ROWS, FOUND_LINKS).
"""

from __future__ import annotations

from pathlib import Path

from bills.portals.documents.links import OF_ROWS
from bills.portals.logins.signs import EVERYWHERE
from bills.portals.packing import packed, taking_text

_FOLDER = Path(__file__).parent / "lists"
_PARTS = EVERYWHERE + (_FOLDER / "script.js").read_text(encoding="utf-8")

# `rows` is the recipe's CSS, or "": then rows are sought around links of these `kinds`, else of
# the `spare` ones. `links` is the recipe's kind of link, or null.
# It answers null for `rows`, and false for `linked`, where only Playwright knows the selector. (A
# browser does not know all of them, and silently passes over those within :is().)
# `deep`: also what stands around the rows, and what can be pressed in them. `soon`: in how many
# seconds a timer counts as due.
READ_LIST = packed(
    taking_text(f"""asked => {{{_PARTS}
  const {{rows, kinds, spare, links, picks, unwanted, noBill, soon, deep}} = asked;
  const sought = rows ? known([{{css: rows}}]) : [], given = links ? known(links) : undefined;
  const found = !sought ? null
    : rows ? readGiven(all(rows), links ? given : kinds, picks)
    : readGuessed({{kinds: given || kinds, spare: given ? [] : spare, links: given, picks,
      unwanted, noBill}});
  return {{
    ...stateOf(soon),
    rows: found,
    css: rows && roots.length === 1 ? rows : "",
    linked: given !== null,
    ...surroundings(deep),
    inside: deep && found ? ({OF_ROWS})() : null,
  }};
}}""")
)

# The same of rows that Playwright has found.
FOUND_ROWS = packed(
    taking_text(f"""(rows, {{picks, soon, deep}}) => {{{_PARTS}
  return {{
    ...stateOf(soon), rows: readGiven(rows, null, picks), linked: false,
    ...surroundings(deep), inside: deep ? ({OF_ROWS})() : null,
  }};
}}""")
)

# By the row's index the address behind each of the links that Playwright has found.
FOUND_LINKS = f"""links => {{{_PARTS}
  return links.map(link => {{
    const row = link.closest("[data-redrive-row]");
    return [row ? Number(row.getAttribute("data-redrive-row")) : -1, address(link)];
  }});
}}"""

# The options of a select, or the buttons, that a recipe's `each` names; marked, to be pressed.
OPTIONS = """(found, kind) => {
  for (const old of document.querySelectorAll(`[data-redrive-each="${kind}"]`))
    old.removeAttribute("data-redrive-each");
  const [first] = found;
  const sought = first && first.tagName === "SELECT" ? [first] : found;
  for (const part of sought) part.setAttribute("data-redrive-each", kind);
  return first && first.tagName === "SELECT"
    ? [...first.options].map(option => ({value: option.value, text: option.text.trim(),
        chosen: option.selected, dead: option.disabled}))
    : found.map(part => ({value: "", text: part.innerText.trim()}));
}"""

# What the rows scroll in: places inside the page, and the page.
_PLACES = f"""{EVERYWHERE}
  const row = all("[data-redrive-row]").pop(), places = [];
  for (let at = row && row.parentElement; at; at = at.parentElement) places.push(at);
  if (document.scrollingElement) places.push(document.scrollingElement);
  const drawn = () => new Promise(done => {{
    const late = setTimeout(() => done(), 5000);  // a page that is never drawn
    requestAnimationFrame(() => requestAnimationFrame(() => {{ clearTimeout(late); done(); }}));
  }});
"""
# Go to the end of the page, and of what the rows scroll in. First away from it: a page may only
# notice that its end comes into view, and that has to be out of view before.
SCROLL_DOWN = f"""async () => {{{_PLACES}
  const watch = window[Symbol.for("redrive.watch")];
  if (watch) watch.renew();
  for (const at of places) at.scrollTop = 0;
  await drawn();
  if (row && row.isConnected) row.scrollIntoView({{block: "end"}});
  for (const at of places) at.scrollTop = at.scrollHeight;
  await drawn();
}}"""

# Of a list that keeps only what is in view.
SCROLL_UP = f"""async () => {{{_PLACES}
  for (const at of places) at.scrollTop = 0;
  await drawn();
}}"""
# Half of what is in view further down; whether that was the end.
SCROLL_STEP = f"""async () => {{{_PLACES}
  let isEnd = true;
  for (const at of places) {{
    const before = at.scrollTop;
    at.scrollTop += Math.max(20, at.clientHeight / 2);
    if (at.scrollTop > before + 1) {{ isEnd = false; break; }}
  }}
  await drawn();
  return isEnd;
}}"""

# Run in every page before its own scripts: what may still change it, and when it last has.
WATCH = (_FOLDER / "watch.js").read_text(encoding="utf-8")
