// Reads a list of bills: all there is to know about it in one call. Run by page.evaluate (see
// list_script.py). It finds and reports; what anything means is decided in Python.
//
// `kind` is {css} or {css, words}: also the element's own words must match, in either case.

const shown = part => {
  if (getComputedStyle(part).display === "contents") {  // no box of its own
    const inside = document.createRange();
    inside.selectNodeContents(part);
    return inside.getClientRects().length > 0;
  }
  if (!part.checkVisibility({visibilityProperty: true})) return false;
  const box = part.getBoundingClientRect();
  return box.width > 0 && box.height > 0;
};

// As `parentElement`, `closest` and `contains`, also from within shadow roots.
const parentOf = part => part.parentElement || part.getRootNode().host || null;
const up = (part, css) => {
  for (let at = part; at; at = at.getRootNode().host) {
    const found = at.closest(css);
    if (found) return found;
  }
  return null;
};
const holds = (part, other) => {
  for (let at = other; at; at = at.getRootNode().host) if (part.contains(at)) return true;
  return false;
};

// As `querySelectorAll`, also in the shadow roots of what the row holds. A row that is made of
// several elements (a term and its definitions) is searched in each.
const isIn = (root, row) => {
  while (root.host && !row.contains(root.host)) root = root.host.getRootNode();
  return !!root.host;
};
const within = (row, css) => [row, ...roots.filter(root => isIn(root, row))]
  .flatMap(part => [...part.querySelectorAll(css)]);

const NO_TEXT = "script, style, noscript";
const ownText = part => {
  if (part.tagName === "INPUT") return part.value;
  if (!part.querySelector(NO_TEXT)) return part.textContent;
  const copy = part.cloneNode(true);
  for (const other of copy.querySelectorAll(NO_TEXT)) other.remove();
  return copy.textContent;
};
// What a control is called: its text, else what stands in its place for those who can't see it.
const called = part => {
  const text = ownText(part).trim();
  if (text) return text;
  const picture = part.querySelector("img[alt], svg[aria-label], [title], [aria-label]");
  return (part.getAttribute("aria-label") || part.title
    || (picture && (picture.getAttribute("alt") || picture.getAttribute("aria-label")
      || picture.getAttribute("title")))
    || part.querySelector("svg title")?.textContent || "").trim();
};
const says = (part, kind) => !kind.words || [ownText(part), called(part)].some(
  text => new RegExp(kind.words, "i").test(text));
const text = part => part ? part.innerText.trim() : null;

// The address behind an ordinary link; "" where a script, a form or a blob is behind it.
const address = link => link.tagName === "A" && link.hasAttribute("href") && !link.onclick
  && /^https?:/.test(link.href) && link.href.split("#")[0] !== location.href.split("#")[0]
  ? link.href : "";

// Whether it is hidden in a row that is shown (in a menu, until the row is hovered over) and leads to
// a document by itself.
let never = /$^/;
const isBehind = part => !!address(part) && !never.test(`${called(part)} ${part.pathname}`)
  && !!part.closest("tr, [role=row], li, article") && shown(itemOf(part) || part);

// The first link of the surest kind that the row has; null where it has none.
const link = (parts, kinds) => {
  for (const kind of kinds)
    for (const part of parts)
      for (const found of within(part, kind.css))
        if (says(found, kind) && (shown(found) || isBehind(found)) && !isDead(found))
          return address(found);
  return null;
};

// How Playwright finds an element again, also where a script has drawn the page anew; "" in a
// shadow root, where only a mark on the element tells.
const path = part => {
  if (part.getRootNode() !== document) return "";
  const steps = [];
  for (let at = part; at && at !== document.documentElement; at = at.parentElement) {
    const place = [...at.parentElement.children].indexOf(at) + 1;
    steps.unshift(`${at.tagName.toLowerCase()}:nth-child(${place})`);
  }
  return ["html", ...steps].map(step => step.replace(/[^\w:()-]/g, "\\$&")).join(" > ");
};

const TABLE = "table, [role=table], [role=grid]";
const heading = row => {
  const table = row.closest(TABLE);
  if (!table) return null;
  const lines = [...table.querySelectorAll("tr, [role=row]")];
  return table.querySelector("thead tr:last-child") || lines.find(
    line => line.querySelector("th, [role=columnheader]")
      && !line.querySelector("td, [role=cell], [role=gridcell]"))
    || (lines.length > 1 && isHeadingLike(lines[0]) ? lines[0] : null);
};
// A first line of cells with words only, and nothing to press.
const isHeadingLike = line => line.children.length > 1 && !/\d/.test(line.innerText)
  && line.innerText.trim() && !line.querySelector("a, button, input, time");

// Headings for each column, also where one heading stands over several columns.
const headings = head => [...head.children].flatMap(
  cell => Array(Math.min(cell.colSpan || 1, 20)).fill(text(cell)));

const dayIn = part => {
  const time = part.matches("time") ? part : part.querySelector("time[datetime]");
  return time ? time.getAttribute("datetime") || "" : "";
};

// The cells of a row that is no table's: its lines; a term is the heading of its definition.
const lines = parts => {
  const cells = [], days = [], heads = [];
  const add = (cell, day, head) => { cells.push(cell); days.push(day); heads.push(head); };
  const terms = parts.flatMap(part => part.matches("dt, dd") ? [part]
    : [...part.querySelectorAll("dt, dd")]);
  let term = "";
  for (const part of terms) {
    if (part.matches("dt")) { term = text(part); continue; }
    add(text(part), dayIn(part), term);
  }
  for (const part of parts) {
    if (part.matches("dd")) continue;
    const inside = [...part.querySelectorAll("dl")].map(text).join("\n").split("\n");
    const times = [...part.querySelectorAll("time[datetime]")];
    for (const line of (part.innerText || "").split(/[\n\t]+/)) {
      const clean = line.trim();
      if (!clean || (terms.length && !part.matches("dt") && inside.includes(clean))) continue;
      const time = times.find(time => clean.includes(text(time)));
      add(clean, time ? time.getAttribute("datetime") : "", "");
    }
  }
  return {cells, days, heads};
};

const CELLS = "td, th, [role=cell], [role=gridcell], [role=rowheader]";
const PRESSED = "a[href], button, [role=button], [role=link], input[type=submit], "
  + "input[type=button], input[type=image], [onclick]";

// The heading above the list that a row stands in, or the list's own name.
const titleOf = row => {
  const table = row.closest(TABLE), caption = table && table.querySelector("caption");
  if (caption) return text(caption);
  let before = "";
  for (const head of all("h1, h2, h3, h4, h5, h6, legend, [role=heading]")) {
    if (row.contains(head) || up(head, FURNITURE)) continue;
    if (!(head.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
    if (!head.closest("[data-redrive-row]")) before = text(head);
  }
  return before;
};

// One row. `parts` are its elements: one, but for lists of terms.
const readRow = (parts, index, group, links, picks) => {
  const [row] = parts;
  for (const part of parts) part.setAttribute("data-redrive-row", index);
  const isTable = row.matches("tr, [role=row]");
  const head = isTable ? heading(row) : null, cells = [...row.children];
  const found = isTable || !links || parts.length === 1 && !group.guessed
    ? {cells: cells.map(text), days: cells.map(dayIn),
       heads: head ? headings(head) : cells.map(
         cell => cell.getAttribute("data-label") || cell.getAttribute("data-title")
           || cell.getAttribute("data-th") || "")}
    : lines(parts);
  const href = links ? link(parts, links) : null;
  return {
    index,
    shown: parts.some(part => part.getClientRects().length > 0),
    heads: row === head || !!row.closest("thead"),
    text: parts.map(part => part.innerText).join("\n"),
    cells: found.cells,
    days: found.days,
    headings: found.heads.some(Boolean) ? found.heads : [],
    picked: Object.fromEntries(
      Object.entries(picks).map(([field, css]) => [field, text(row.querySelector(css))])),
    href,
    linked: links ? href !== null : null,
    called: parts.flatMap(part => within(part, PRESSED)).filter(shown).map(called),
    group: group.key,
    title: isTable || group.guessed ? titleOf(row) : "",
    tabular: isTable,
    css: parts.map(path).every(Boolean) ? parts.map(path).join(", ") : "",
  };
};

const unmark = () => {
  for (const old of all("[data-redrive-row]")) old.removeAttribute("data-redrive-row");
};

// Rows of a recipe keep their place among all that its selector finds.
const readGiven = (rows, links, picks) => {
  unmark();
  return rows.map((row, index) =>
    readRow([row], index, {key: 0, guessed: false}, links, picks));
};

// ---- Where the recipe says nothing of rows: each link to a document has one around it

// Where a page's own furniture stands; what looks like a bill in there is none.
const FURNITURE = "footer, nav, aside, body > header, [role=contentinfo], [role=navigation], "
  + "[role=complementary], [role=banner], [role=search], [role=menu], [role=menubar], "
  + "[role=dialog], [role=alertdialog], dialog";
const ITEM = "li, article, [role=listitem]", LINE = `tr, [role=row], ${ITEM}`;
// A date, a sum, a year or a number stands in it. Whether it is one, Python reads.
const FACTS = /\d{1,4}[./-]\d{1,2}|\d[.,]\d\d|(^|\D)(19|20)\d\d(\D|$)|\d{3,}/;
const hasFacts = part => FACTS.test(part.innerText || "");
const PAGE = "body, main, [role=main]", ENDS = `${PAGE}, form, section, table, ul, ol, dl`;

const termsOf = (dl, at) => {
  const parts = [...dl.children], start = parts.indexOf(at);
  let first = start;
  while (first > 0 && !parts[first].matches("dt")) first -= 1;
  let end = start + (parts[start].matches("dt") ? 1 : 0);
  while (end < parts.length && !parts[end].matches("dt")) end += 1;
  return parts.slice(first, end);
};

// A section or a list of terms may be one bill's card: it holds no other link.
const isOnlyOf = (card, count) => {
  const end = parentOf(card);
  return end.matches("section, dl") && count(end) === count(card);
};
// What has boxes to fill in or to choose from asks for bills, and is none.
const ASKS = "select, input:not([type=hidden], [type=submit], [type=button], [type=image], "
  + "[type=checkbox], [type=radio])";
const asks = part => !!part && part.matches(":not(tr, [role=row])") && !!part.querySelector(ASKS);

// The smallest card around the link that shows a fact, and as much around it as is still the
// same card: whatever holds no other card's links.
const cardOf = (link, links) => {
  const count = part => links.filter(other => holds(part, other)).length;
  const bare = part => links.filter(other => holds(part, other)).reduce(
    (words, other) => words.replace(other.innerText || "\0", " "), part.innerText || "");
  let card = link;
  while (parentOf(card) && !FACTS.test(bare(card))) {
    if (parentOf(card).matches(ENDS) && !isOnlyOf(card, count)) return hasFacts(card) ? card : null;
    card = parentOf(card);
  }
  if (card.matches(ENDS)) return card;
  while (card.parentElement && !card.parentElement.matches(ENDS)
    && !card.parentElement.querySelector("h1, h2") && count(card.parentElement) === count(card))
    card = card.parentElement;
  return card;
};

// The nearest line of a table or item of a list that shows a fact: an item that holds nothing but
// the link is a part of the bill's own card.
const itemOf = link => {
  for (let at = up(link, LINE); at; at = parentOf(at) && up(parentOf(at), LINE))
    if (hasFacts(at)) return at;
  return null;
};

const rowOf = (link, links) => {
  const row = anyRowOf(link, links);
  return row && row.parts.some(asks) ? null : row;
};
const anyRowOf = (link, links) => {
  const item = itemOf(link);
  if (item && item.matches("tr, [role=row]"))
    return {parts: [item], list: item.closest(TABLE) || item.parentElement};
  if (item) return {parts: [item], list: item.parentElement};
  const term = link.closest("dt, dd"), dl = term && term.closest("dl");
  if (dl && dl.querySelectorAll("dt").length > 1
    && links.filter(other => dl.contains(other)).length > 1) {
    const at = [...dl.children].find(child => child.contains(link));
    if (at.matches("dt, dd")) return {parts: termsOf(dl, at), list: dl};
  }
  const card = cardOf(link, links);
  return card && {parts: [card], list: card.parentElement};
};

// Rows of the same list without a link to a document: payments, bills that are yet to come.
const siblings = ({parts: [row], list}) => {
  if (row.matches("tr, [role=row]"))
    return [...list.querySelectorAll("tr, [role=row]")]
      .filter(line => line.closest(TABLE) === list || line.parentElement === list)
      .filter(line => line.querySelectorAll(CELLS).length > 1 && !line.closest("tfoot"))
      .map(line => [line]);
  if (row.matches("dt, dd"))
    return [...list.children].filter(part => part.matches("dt")).map(part => termsOf(list, part));
  const isAlike = part => row.matches(ITEM) ? part.matches(ITEM)
    : part.tagName === row.tagName && part.className === row.className;
  return [...list.children].filter(part => isAlike(part) && hasFacts(part)).map(part => [part]);
};

// The head of a part that folds: "2025", "Invoices 2025". It is no bill, though it names some.
const isFold = part => /^\W*(\D{0,20}\W)?(19|20)\d\d\W*(\D{0,20})?(\(\d+\))?\W*$/.test(called(part));

// Links to documents: of the usual kinds, else whatever a row links to.
const documentLinks = (kinds, spare, unwanted) => {
  const isNone = new RegExp(unwanted, "i");
  const sought = some => [...new Set(some.flatMap(kind => all(kind.css).filter(
    part => says(part, kind) && (shown(part) || isBehind(part)) && !up(part, FURNITURE)
      && !part.matches("[role=tab], [role=switch]")
      && !isNone.test(called(part)) && !(part.ariaExpanded && isFold(part)))))];
  const usual = sought(kinds);
  return usual.some(part => rowOf(part, usual)?.parts.some(hasFacts)) ? [usual, kinds]
    : [sought(spare), spare];
};

// Those of one name would close each other.
const unfold = kinds => {
  for (const fold of all("details:not([open])")) {
    if (!kinds.some(kind => fold.querySelector(kind.css)) || fold.closest(FURNITURE)) continue;
    for (const other of all("details[name]")) other.removeAttribute("name");
    fold.open = true;
  }
};

const readGuessed = ({kinds, spare, links, picks, unwanted, noBill}) => {
  never = new RegExp(noBill, "i");
  unmark();
  unfold(kinds);
  const [controls, used] = documentLinks(kinds, spare, unwanted);
  const rows = new Map(), lists = new Map();
  const add = (parts, list) => {
    if (!rows.has(parts[0])) rows.set(parts[0], {parts, list});
  };
  for (const control of controls) {
    const row = rowOf(control, controls);
    if (!row || !row.parts.some(hasFacts)) continue;
    add(row.parts, row.list);
    const alike = `${row.parts[0].tagName}.${row.parts[0].className}`;
    const seen = lists.get(row.list) || new Set();
    if (!seen.has(alike)) for (const parts of siblings(row)) add(parts, row.list);
    lists.set(row.list, seen.add(alike));
  }
  const order = (a, b) => a.parts[0].compareDocumentPosition(b.parts[0]) & 4 ? -1 : 1;
  const keys = [...lists.keys()];
  return [...rows.values()].sort(order).map(({parts, list}, index) => readRow(
    parts, index, {key: keys.indexOf(list), guessed: true}, links === null ? null : links || used,
    picks));
};

// ---- What stands around the rows

const inRow = part => !!up(part, "[data-redrive-row]");
const isDead = part => part.disabled || part.getAttribute("aria-disabled") === "true"
  || !!part.closest(".disabled, [aria-disabled=true]");
const isChosen = part => !!boxOf(part)?.matches("[type=radio]:checked")
  || part.getAttribute("aria-expanded") === "true" || ["true", "page", "date"].some(value =>
    part.getAttribute("aria-selected") === value || part.getAttribute("aria-current") === value
    || part.getAttribute("aria-pressed") === value)
  || /(^|[\s_-])(active|selected|current)($|[\s_-])/i.test(
    part.className + " " + (part.closest("li") || part).className);

const CONTROLS = "a, button, summary, [role=button], [role=tab], [role=link], "
  + "[role=option], [role=menuitem], [role=menuitemradio], [role=switch], "
  + "input[type=submit], input[type=button], label, [onclick], "
  + "[class*=load-more i], [class*=loadmore i]";
const LONGEST_CONTROL = 60;
// Of a box to tick, or to choose one of several by.
const boxOf = part => part.localName === "label" && part.control
  && part.control.matches("input[type=radio], input[type=checkbox]:not(:disabled)") ? part.control
  : null;
const isTicked = part => boxOf(part)?.matches("[type=checkbox]:checked")
  || part.matches("[role=switch][aria-checked=true]");

// What is none of them and is pressed all the same: a script listens to it, or to a small group
// that it stands in, or the pointer becomes a hand over it.
const ODD = "div, span, li, p, b, i, em, strong, h2, h3, h4, h5, h6, dt, dd, td, label";
const MOST_ODD = 5000;
const isHand = part => getComputedStyle(part).cursor === "pointer";
const hears = part => !!part.onclick || !!watch && watch.hears(part);
const isSmallGroup = part => part.children.length > 1 && part.children.length <= 20
  && !part.matches("body, main, form, table, tbody, tr") && !part.querySelector("[data-redrive-row]");
const isOdd = part => {
  if (part.childElementCount > 3 || part.closest(CONTROLS) || part.querySelector(CONTROLS))
    return false;
  const name = part.textContent.trim(), group = parentOf(part);
  if (!name || name.length > LONGEST_CONTROL) return false;
  return hears(part) || !!group && (isHand(part) && !isHand(group)
    || hears(group) && isSmallGroup(group));
};
const controls = () => {
  const usual = all(CONTROLS).filter(part => part.localName !== "label" || boxOf(part));
  const odd = all(ODD).slice(0, MOST_ODD).filter(isOdd);
  if (!odd.length) return usual;
  return [...new Set([...usual, ...odd])].sort(
    (one, other) => one.compareDocumentPosition(other) & 4 ? -1 : 1);
};

// A survey, a tour: their buttons lead to no part of the list. A list may stand in one itself.
const isAside = part => {
  const dialog = up(part, "dialog, [role=dialog], [role=alertdialog]");
  return !!dialog && !dialog.querySelector("[data-redrive-row]");
};

// Whether it stands right behind the list: what it adds to it needs few words.
const isTail = (part, last) => {
  const list = last && (last.closest(TABLE) || last.parentElement);
  return !!list && !!(list.compareDocumentPosition(part) & 4)
    && [list.parentElement, list.parentElement?.parentElement].some(
      near => near && !near.matches("body, main") && near.contains(part))
    || !!list && part === list.nextElementSibling;
};
// An arrow of a picture, behind the list: by what the picture is called, or as the second of two of
// which the first was disabled on the first page.
const NEXT_SIGN = /["'\s_-](next|(chevron|arrow|angle|caret)[-_]?(right|forward))["'\s_-]/i;
const pointsOn = (part, last) => {
  if (called(part) || !part.matches("a, button, [role=button]") || !isTail(part, last)) return false;
  const before = part.previousElementSibling, group = part.parentElement;
  if (before && before.tagName === part.tagName && isDead(before) && !called(before)
    && !part.nextElementSibling) group.setAttribute("data-redrive-pager", "");
  return NEXT_SIGN.test(part.outerHTML.slice(0, 600))
    || !!before && !part.nextElementSibling && group.hasAttribute("data-redrive-pager");
};
const NEXT_CLASS = /(^|[\s_-])next([\s_-]|$)/i;
const lastRow = () => all("[data-redrive-row]").pop();

const readControls = (last = lastRow()) => {
  for (const old of all("[data-redrive-control]")) old.removeAttribute("data-redrive-control");
  return controlsNow(last);
};
const controlsNow = last => controls().filter(part => !inRow(part) && shown(part)
    && !(part.matches("summary") && part.parentElement.open))
  .map(part => [part, called(part)]).filter(([part, name]) => name.length <= LONGEST_CONTROL
    && (name || part.matches("[rel~=next], [aria-label]") || NEXT_CLASS.test(part.className)
      || pointsOn(part, last)))
  .slice(0, 500).map(([part, name], index) => {
    part.setAttribute("data-redrive-control", index);
    const list = part.closest("ul, ol, [role=tablist], nav, table") || part.parentElement;
    if (!places.has(list)) places.set(list, places.size);
    return {
      index,
      text: name,
      css: path(part),
      follows: part.matches("a[rel~=next]")
        || (!name && (NEXT_CLASS.test(part.className) || pointsOn(part, last))),
      tail: isTail(part, last),
      label: part.getAttribute("aria-label") || part.title || "",
      tab: part.matches("[role=tab]"),
      expanded: part.getAttribute("aria-expanded") || "",
      dead: isDead(part),
      chosen: isChosen(part),
      furniture: !!part.closest("footer, body > header, [role=banner], [role=contentinfo]"),
      aside: isAside(part),
      popup: part.matches("[aria-haspopup]:not([aria-haspopup=false]), [role=combobox]"),
      list: places.get(list),
      href: address(part),
      before: textBefore(part),
      odd: !part.matches(CONTROLS),
      again: asksAgain(part),
      here: part.matches("a[href]") && !part.onclick && !part.hash
        && part.href === location.href.split("#")[0],
      ticked: !!isTicked(part),
      boxed: !!boxOf(part),
      chooses: part.matches("[aria-haspopup=listbox], [role=combobox]:not(input)"),
      option: part.matches("[role=option]"),
      menu: !!part.closest("nav, [role=navigation]")
        || /^#[/!]/.test(part.getAttribute("href") || ""),
    };
  });
// "1 [2]": what stands right before it in its line, where that is short.
const textBefore = part => {
  let at = part.previousSibling;
  while (at && !at.textContent.trim()) at = at.previousSibling;
  const words = at ? at.textContent.trim() : "";
  return words.length <= 10 ? words : "";
};
const places = new Map();

const nameOf = box => [
  ...[...(box.labels || [])].map(label => [...label.childNodes]
    .filter(node => node !== box).map(node => node.textContent).join(" ")),
  box.getAttribute("aria-label") || "", box.name, box.id, box.title,
].join(" ").trim();

// Whether it stands in a form that asks this page again, and for nothing but a choice.
const asksByForm = ({form}) => !!form && form.method === "get"
  && new URL(form.action, location.href).pathname === location.pathname
  && ![...form.elements].some(part => part.matches("input:not([type=hidden], [type=submit], "
    + "[type=date], [type=button]), textarea"));
const readSelects = () => all("select").filter(
  box => shown(box) && !inRow(box) && !box.multiple
    && !box.closest("footer, [role=contentinfo]")).map((box, index) => {
  box.setAttribute("data-redrive-select", index);
  const submit = box.form && [...box.form.querySelectorAll(
    "button:not([type=button]), input[type=submit]")].find(shown);
  if (submit) submit.setAttribute("data-redrive-submit", index);
  return {
    index,
    name: nameOf(box),
    css: path(box),
    submits: !!submit,
    acts: !!box.onchange || !!box.oninput || !!watch && watch.hearsChoice(box) || asksByForm(box),
    options: [...box.options].map(option => ({
      value: option.value, text: option.text.trim(), chosen: option.selected,
      dead: option.disabled,
    })),
  };
});

// Dates, ranges of dates and years that were filled in to limit the list.
const A_DAY = "(\\d{1,2}[./-]\\d{1,2}[./-](\\d{2}|\\d{4})|\\d{4}[./-]\\d{1,2}[./-]\\d{1,2})";
const DAYS = new RegExp(`^\\s*${A_DAY}(\\s*\\D{1,5}\\s*${A_DAY})?\\s*$`);
const isLimit = box => /date|month/.test(box.type) || (/number|range/.test(box.type)
  ? /^20\d\d$/.test(box.value) : DAYS.test(box.value));
const readLimits = () => all("input").filter(box => box.matches("[type=date], [type=month], "
  + "[type=text], [type=number], [type=range], :not([type])") && box.value && isLimit(box)
  && shown(box) && !inRow(box)).map(nameOf);

// "‹ 2026 ›": what leads to the year before. Arrows need no words.
const readStepper = () => {
  for (const year of all("span, div, p, b, strong, button, h2, h3, h4")) {
    if (inRow(year) || !shown(year) || !/^\s*(19|20)\d\d\s*$/.test(year.textContent)) continue;
    const [before, after] = [year.previousElementSibling, year.nextElementSibling];
    if (![before, after].every(part => part && (part.matches(PRESSED) || isDead(part)))) continue;
    if (/\p{L}|\d/u.test(before.innerText)) continue;
    if (isDead(before)) return "";
    before.setAttribute("data-redrive-stepper", "");
    return year.textContent.trim();
  }
  return null;
};

// Whether a link leads to this page, asked otherwise.
const asksAgain = part => part.matches("a[href]") && part.origin === location.origin
  && part.pathname === location.pathname && !!part.search && !part.closest("th, thead")
  && !/[?&](lang|locale|language|sort|order|theme|size)=/i.test(part.search);

// What a menu that is not open offers: links to this page with another question, and options.
const readHidden = () => {
  const lists = new Map();
  for (const part of all("a[href], [role=menuitem], [role=menuitemradio], [role=option]")) {
    if (shown(part) || inRow(part) || part.lang || part.hreflang
      || part.closest("footer, [role=contentinfo], select, datalist")) continue;
    const isLink = part.matches("a[href]");
    if (isLink && !asksAgain(part)) continue;
    const list = part.closest("ul, ol, [role=menu], [role=listbox], nav") || part.parentElement;
    const text = part.textContent.trim().replace(/\s+/g, " ").slice(0, 80);
    if (!lists.has(list)) lists.set(list, []);
    if (text) lists.get(list).push({text, leads: isLink, option: part.matches("[role=option]")});
  }
  for (const part of all("li, div, span, a:not([href]), button")) {
    if (!hears(part) || inRow(part) || shown(part) || up(part, FURNITURE)) continue;
    const text = part.textContent.trim().replace(/\s+/g, " "), list = part.parentNode;
    if (!text || text.length > LONGEST_CONTROL) continue;
    if (!lists.has(list)) lists.set(list, []);
    lists.get(list).push({text, heard: true});
  }
  return [...lists.values()].filter(found => found.length > 1);
};

// What the page's menus say where they hold an e-mail address that is nobody's to write to.
const MENUS = "body > header, body > nav, [role=banner], [class*=user i], [class*=profile i], "
  + "[class*=account-menu i], [id*=user i]";
const SERVICE = new RegExp("(^|[^\\w.+-])(info|support|contact|kontakt|service|help|hello|hej|post"
  + "|mail|sales|admin|no-?reply|(kund|kunde|asiakas|klant|client)\\w*|servicio|servizio|billing"
  + "|faktura|invoices?|rechnung|bok|biuro)@", "i");
const readUsers = () => all(MENUS).filter(part => shown(part) && !inRow(part)
    && !part.querySelector("[data-redrive-row], a[href^='mailto:']"))
  .map(part => part.innerText.slice(0, 2000))
  .filter(words => words.includes("@") && !SERVICE.test(words)).slice(0, 20);

// Addresses of documents in rows that are hidden, beside rows that are shown or in another list of
// bills: links of the same kind that are in no row that is shown.
const kindOf = href => {
  const url = new URL(href);
  return url.pathname.replace(/[^/]*$/, "") + [...url.searchParams.keys()].join();
};
const A_SUM = /\d[.,]\d\d(?!\d|[.,]\d)/;
const readUnseen = () => {
  const rows = all("[data-redrive-row]").filter(shown), lists = new Set(rows.map(parentOf));
  const own = new Set(rows.flatMap(row => within(row, "a[href]")).map(address).filter(Boolean));
  const kinds = new Set([...own].map(kindOf)), found = new Set();
  for (const link of kinds.size ? all("a[href]") : []) {
    const href = address(link);
    if (!href || own.has(href) || shown(link) || !kinds.has(kindOf(href)) || up(link, FURNITURE))
      continue;
    let row = link;
    while (row && !lists.has(parentOf(row))) row = parentOf(row);
    const item = row || up(link, LINE);
    if (item && !shown(item) && (row ? FACTS : A_SUM).test(item.textContent)) found.add(href);
  }
  return [...found].slice(0, 500);
};

// Links to files that stand in no row, though they may be a bill's.
const readStrays = () => {
  const files = all("a[href*='.pdf' i], a[download]").filter(shown);
  const own = new Set(files.filter(inRow).map(part => part.href));
  return files.filter(part => !inRow(part) && !own.has(part.href) && !up(part, FURNITURE))
    .map(part => `${called(part)} ${part.pathname.split("/").pop()}`.slice(0, 200)).slice(0, 50);
};

// The words around the rows, in the page's order, with a blank line between two blocks of the page;
// "Page [1] of 3" with the number in its box.
const isNumberBox = part => part.matches("input[type=text], input[type=number], input:not([type])")
  && /^\s*\d{1,4}\s*$/.test(part.value);
const blocks = new Map();
const blockOf = part => {
  if (blocks.has(part)) return blocks.get(part);
  const isInline = /^(inline|contents)$/.test(getComputedStyle(part).display) && parentOf(part);
  const block = isInline ? blockOf(parentOf(part)) : part;
  blocks.set(part, block);
  return block;
};
const around = () => {
  const texts = [];
  let last = null;
  const add = (words, block) => {
    if (texts.length) texts.push(block === last ? " \n" : " \n\n");
    texts.push(words);
    last = block;
  };
  for (const root of roots) {
    const walker = document.createTreeWalker(
      root.body || root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    while (walker.nextNode() && texts.length < 6000) {
      const node = walker.currentNode, parent = parentOf(node);
      if (node.nodeType === Node.ELEMENT_NODE) {
        if (node.localName === "br") last = null;
        if (isNumberBox(node) && !inRow(node) && shown(node))
          add(node.value.trim(), blockOf(parent));
        continue;
      }
      if (!parent || !node.data.trim() || parent.closest(NO_TEXT + ", option, thead")
        || inRow(parent) || !parent.checkVisibility({visibilityProperty: true})) continue;
      add(node.data.trim(), blockOf(parent));
    }
  }
  return texts.join("").slice(0, 30000);
};

const BUSY = "[aria-busy=true], [role=progressbar]:not([aria-valuenow='100'])";
const SPINNERS = "[class*=spinner i], [class*=skeleton i], [class*=loader i], "
  + "[class~=loading i], [class*=is-loading i]";
const isBusy = () => all(BUSY).some(shown) ? "busy" : all(SPINNERS).some(shown) ? "spinner" : "";

const canScroll = () => {
  const place = document.scrollingElement;
  if (place && place.scrollHeight > innerHeight + 20) return true;
  const row = all("[data-redrive-row]").pop();
  for (let at = row && row.parentElement; at; at = at.parentElement)
    if (at.scrollHeight > at.clientHeight + 20 && /auto|scroll/.test(getComputedStyle(at).overflowY))
      return true;
  return false;
};

const known = kinds => {
  try { for (const kind of kinds || []) document.querySelector(kind.css); }
  catch { return null; }
  const isSure = ({css}) => !/:(is|where)[(]/.test(css) || CSS.supports(`selector(${css})`);
  return kinds && kinds.every(isSure) ? kinds : null;
};

// What runs without a <script>, and without a press: handlers of a load, an error, an animation.
const HANDLER = "boolean(//@*[starts-with(local-name(), 'on') and not(local-name() = 'onclick' "
  + "or local-name() = 'onsubmit' or local-name() = 'onchange')])";
const hasHandler = () => document.evaluate(
  HANDLER, document, null, XPathResult.BOOLEAN_TYPE).booleanValue;

// Whether the page may change by itself. `watch` has seen it from its beginning (see watch.js).
const watch = window[Symbol.for("redrive.watch")];
const mayChange = () => !watch || watch.hasRun() || document.scripts.length > 0
  || !!document.querySelector("iframe, frame, object, embed")
  || document.getAnimations().length > 0 || hasHandler();

const stateOf = soon => ({
  state: document.readyState,
  lang: document.documentElement.lang || "",
  busy: isBusy(),
  scripted: mayChange(),
  due: watch ? watch.due(soon) : 0,  // timers
  still: watch ? watch.still(roots) : 0,
  refused: watch ? watch.refusal() : "",
  refresh: document.querySelector("meta[http-equiv=refresh i]")?.content || "",
});

const surroundings = deep => deep ? {
  controls: readControls(), selects: readSelects(), limits: readLimits(), around: around(),
  hidden: readHidden(), stepper: readStepper(), users: readUsers(), strays: readStrays(),
  unseen: readUnseen(),
  scrolls: canScroll(), shadows: roots.length > 1,
} : {};
