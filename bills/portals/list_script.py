"""The JavaScript that reads a list of bills: all there is to know about it in one call.

Run by `page.evaluate`, it needs nothing of Playwright's in the page; what a recipe gives as one of
Playwright's own selectors, which a browser does not know, is left to Playwright (FOUND_ROWS).
"""

from __future__ import annotations

from bills.portals.signs import EVERYWHERE

# `kind` is {css} or {css, words}: also the element's text must match, in either case.
_PARTS = (
    EVERYWHERE
    + """
  const shown = part => {
    const box = part.getBoundingClientRect();
    return part.checkVisibility({visibilityProperty: true}) && box.width > 0 && box.height > 0;
  };

  // As `querySelectorAll`, also in the shadow roots of what the row holds.
  const isIn = (root, row) => {
    while (root.host && !row.contains(root.host)) root = root.host.getRootNode();
    return !!root.host;
  };
  const within = (row, css) => [row, ...roots.filter(root => isIn(root, row))]
    .flatMap(part => [...part.querySelectorAll(css)]);

  const NO_TEXT = "script, style, noscript";
  const told = part => {
    if (part.tagName === "INPUT") return part.value;
    if (!part.querySelector(NO_TEXT)) return part.textContent;
    const copy = part.cloneNode(true);
    for (const other of copy.querySelectorAll(NO_TEXT)) other.remove();
    return copy.textContent;
  };
  const says = (part, kind) => !kind.words || new RegExp(kind.words, "i").test(told(part));
  const text = part => part ? part.innerText.trim() : null;

  // The address behind an ordinary link; "" where a script, a form or a blob is behind it.
  const address = link => link.tagName === "A" && link.hasAttribute("href") && !link.onclick
    && /^https?:/.test(link.href) && link.href.split("#")[0] !== location.href.split("#")[0]
    ? link.href : "";

  // The first link of the surest kind that the row has; null where it has none.
  const link = (row, kinds) => {
    for (const kind of kinds)
      for (const part of within(row, kind.css))
        if (says(part, kind) && shown(part)) return address(part);
    return null;
  };

  const heading = row => {
    const table = row.closest("table, [role=table], [role=grid]");
    return table && (table.querySelector("thead tr:last-child")
      || [...table.querySelectorAll("tr, [role=row]")].find(
        line => line.querySelector("th, [role=columnheader]")
          && !line.querySelector("td, [role=cell], [role=gridcell]")));
  };

  // Rows keep their place among all that the selector finds, also where not all of those count.
  const read = (rows, counts, links, picks) => {
    for (const old of all("[data-redrive-row]")) old.removeAttribute("data-redrive-row");
    return rows.map((row, index) => [row, index]).filter(([row]) => counts(row)).map(
    ([row, index]) => {
      row.setAttribute("data-redrive-row", index);
      const head = heading(row), parts = [...row.children];
      return {
        index,
        shown: row.getClientRects().length > 0,
        heads: row === head || !!row.closest("thead"),
        text: row.innerText,
        cells: parts.map(text),
        days: parts.map(part => {
          const time = part.matches("time") ? part : part.querySelector("time[datetime]");
          return time ? time.getAttribute("datetime") || "" : "";
        }),
        headings: head ? [...head.children].map(text) : [],
        picked: Object.fromEntries(
          Object.entries(picks).map(([field, css]) => [field, text(row.querySelector(css))])),
        href: links ? link(row, links) : null,
      };
    });
  };
"""
)

# `rows` are kinds of rows, the surest first: the first that shows any counts. A kind with `has`
# is one only where it holds something of those kinds. `css` is that of the kind that was found.
# null in place of rows, of `href` and of `next`: only Playwright can tell. A browser knows not all
# selectors (within :is() it passes over what it does not know), and looks into no shadow root on
# its way to a part. `next` is true also where what leads on can't be seen or pressed.
READ_LIST = f"""({{rows, links, next, picks}}) => {{{_PARTS}
  const known = kinds => {{
    try {{ for (const kind of kinds || []) document.querySelector(kind.css); }}
    catch {{ return null; }}
    const isSure = ({{css}}) => !/:(is|where)[(]/.test(css) || CSS.supports(`selector(${{css}})`);
    return kinds && kinds.every(isSure) ? kinds : null;
  }};
  const holds = (row, kinds) => kinds.some(
    kind => within(row, kind.css).some(part => says(part, kind)));
  const sought = known(rows), linked = known(links), following = known(next);
  let found = [], css = "";
  for (const kind of sought || []) {{
    css = roots.length > 1 ? "" : kind.css;
    found = read(all(kind.css), row => !kind.has || holds(row, kind.has), linked, picks);
    if (found.some(row => row.shown && !row.heads)) break;
  }}
  return {{
    state: document.readyState,
    rows: sought && found,
    css,
    linked: !!linked,
    next: following && (following.some(kind => all(kind.css).some(part => says(part, kind)))
      || (roots.length > 1 ? null : false)),
  }};
}}"""

# The same of rows that Playwright has found.
FOUND_ROWS = f"""(rows, {{picks}}) => {{{_PARTS}
  return {{
    state: document.readyState,
    rows: read(rows, () => true, null, picks),
    linked: false,
    next: null,
  }};
}}"""

# By the row's index the address behind each of the links that Playwright has found.
FOUND_LINKS = f"""links => {{{_PARTS}
  return links.map(link => {{
    const row = link.closest("[data-redrive-row]");
    return [row ? Number(row.getAttribute("data-redrive-row")) : -1, address(link)];
  }});
}}"""
