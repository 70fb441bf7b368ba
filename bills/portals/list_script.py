"""The JavaScript that reads a list of bills: all there is to know about it in one call.

Run by `page.evaluate`, it needs nothing of Playwright's in the page; what a recipe gives as one of
Playwright's own selectors, which a browser does not know, is left to Playwright (FOUND_ROWS).
"""

from __future__ import annotations

# `kind` is {css} or {css, words}: also the element's text must match, in either case.
_PARTS = """
  const roots = [document];
  for (const root of roots)
    for (const part of root.querySelectorAll("*"))
      if (part.shadowRoot) roots.push(part.shadowRoot);
  const all = css => roots.flatMap(root => [...root.querySelectorAll(css)]);
  const shown = part => part.checkVisibility({visibilityProperty: true})
    && part.getClientRects().length > 0;
  const told = part => (part.tagName === "INPUT" ? part.value : part.textContent) || "";
  const fits = (part, kind) => part.matches(kind.css)
    && (!kind.words || new RegExp(kind.words, "i").test(told(part)));
  const text = part => part ? part.innerText.trim() : null;

  // The address behind an ordinary link; "" where a script, a form or a blob is behind it.
  const address = link => link.tagName === "A" && link.hasAttribute("href") && !link.onclick
    && /^https?:/.test(link.href) && link.href.split("#")[0] !== location.href.split("#")[0]
    ? link.href : "";

  // The first link of the surest kind that the row has; null where it has none.
  const link = (row, kinds) => {
    for (const kind of kinds)
      for (const part of row.querySelectorAll(kind.css))
        if (fits(part, kind) && shown(part)) return address(part);
    return null;
  };

  const heading = row => {
    const table = row.closest("table, [role=table], [role=grid]");
    return table && (table.querySelector("thead tr:last-child")
      || [...table.querySelectorAll("tr, [role=row]")].find(
        line => line.querySelector("th, [role=columnheader]")
          && !line.querySelector("td, [role=cell], [role=gridcell]")));
  };

  const read = (rows, links, picks) => {
    for (const old of all("[data-redrive-row]")) old.removeAttribute("data-redrive-row");
    return rows.map((row, index) => {
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

# `rows` are kinds of rows, the surest first: the first that shows any counts. A kind with `has`
# is one only where it holds something of those kinds. `next` is null where Playwright must look.
# null in place of rows, of `href` and of `next`: a selector is none that a browser knows.
READ_LIST = f"""({{rows, links, next, picks}}) => {{{_PARTS}
  const known = kinds => {{
    try {{ for (const kind of kinds || []) document.querySelector(kind.css); }}
    catch {{ return null; }}
    return kinds;
  }};
  const holds = (row, kinds) => [...row.querySelectorAll("a, button, input[type=submit]")]
    .some(part => kinds.some(kind => fits(part, kind)));
  const sought = known(rows), linked = known(links), following = known(next);
  let found = [];
  for (const kind of sought || []) {{
    found = read(all(kind.css).filter(row => !kind.has || holds(row, kind.has)), linked, picks);
    if (found.some(row => row.shown && !row.heads)) break;
  }}
  return {{
    state: document.readyState,
    rows: sought && found,
    linked: !!linked,
    next: following && following.some(kind => all(kind.css).some(
      part => fits(part, kind) && shown(part))),
  }};
}}"""

# The same of rows that Playwright has found.
FOUND_ROWS = f"""(rows, {{picks}}) => {{{_PARTS}
  return {{state: document.readyState, rows: read(rows, null, picks), linked: false, next: null}};
}}"""

# By the row's index the address behind each of the links that Playwright has found.
FOUND_LINKS = f"""links => {{{_PARTS}
  return links.map(link => {{
    const row = link.closest("[data-redrive-row]");
    return [row ? Number(row.getAttribute("data-redrive-row")) : -1, address(link)];
  }});
}}"""
