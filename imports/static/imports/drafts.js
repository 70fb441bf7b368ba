/* Keeps what is typed while it is not saved yet: a login that ends in between loses no text.
 *
 * In sessionStorage, for this tab and this operator only, and never what could be a secret.
 */

(() => {
  const PREFIX = "redrive-draft ";
  const SENT = "redrive-sent";
  const BOXES = "textarea, input[type=text], input[type=number], input[type=email], input[type=url], input:not([type])";
  const SECRET = /pass|secret|token|key|header|otp|code|auth/i;

  const user = () => document.getElementById("rd-main")?.dataset.user;
  const keyOf = (path) => `${PREFIX}${user()} ${path}`;
  const read = (key) => JSON.parse(sessionStorage.getItem(key) || "{}");
  const write = (key, drafts) => {
    if (Object.keys(drafts).length) sessionStorage.setItem(key, JSON.stringify(drafts));
    else sessionStorage.removeItem(key);
  };
  const forget = (isWanted) => {
    Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX) && isWanted(key)).forEach((key) => {
      sessionStorage.removeItem(key);
    });
  };

  const isKept = (box) => {
    const form = box.form;
    return (
      box.matches(BOXES) && box.name && form && form.method === "post" && form.id !== "login-form" &&
      !box.closest("[data-secret], [autocomplete=off]") && !box.matches("[autocomplete*=password], [autocomplete=one-time-code]") &&
      !SECRET.test(box.name)
    );
  };
  const nameOf = (box) => {
    const alike = [...document.querySelectorAll(`[name="${CSS.escape(box.name)}"]`)];
    return `${box.name} ${alike.indexOf(box)}`;
  };
  const boxOf = (name) => {
    const [field, index] = name.split(" ");
    return document.querySelectorAll(`[name="${CSS.escape(field)}"]`)[Number(index)];
  };

  document.addEventListener("input", (event) => {
    const box = event.target;
    if (!user() || !isKept(box)) return;
    const key = keyOf(location.pathname);
    const drafts = read(key);
    if (box.value === box.defaultValue) delete drafts[nameOf(box)];
    else drafts[nameOf(box)] = { was: box.defaultValue, now: box.value };
    write(key, drafts);
  });

  document.addEventListener("submit", (event) => {
    if (event.target.id === "logout-form") forget(() => true);
    else if (event.target.method === "post" && user()) sessionStorage.setItem(SENT, keyOf(location.pathname));
  });
  /** A form that was sent without a page: it arrived, or its text is still needed. */
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, successful } = event.detail;
    const sent = sessionStorage.getItem(SENT);
    if (!sent || event.target.method !== "post") return;
    sessionStorage.removeItem(SENT);
    if (successful && xhr.status === 200 && !xhr.responseURL.includes("/login/")) sessionStorage.removeItem(sent);
  });

  const put = (box, text) => {
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.dispatchEvent(new CustomEvent("redrive:restored", { bubbles: true }));
  };

  /** What was typed comes back where the page still holds what it held; else it is offered. */
  const restore = () => {
    const key = keyOf(location.pathname);
    const drafts = read(key);
    const waiting = Object.entries(drafts).filter(([name, draft]) => {
      const box = boxOf(name);
      if (!box || box.value !== draft.now) return Boolean(box);
      delete drafts[name];
      return false;
    });
    write(key, drafts);
    if (!waiting.length) return;
    const note = document.getElementById("rd-draft");
    const isChanged = waiting.some(([name, draft]) => boxOf(name).value !== draft.was);
    const fill = () => waiting.forEach(([name, draft]) => put(boxOf(name), draft.now));
    const show = (what) => note.querySelectorAll("[data-draft]").forEach((each) => {
      each.hidden = !each.dataset.draft.split(" ").includes(what);
    });
    if (!isChanged) fill();
    show(isChanged ? "changed" : "restored");
    note.hidden = false;
    note.querySelector("[data-puts]").addEventListener("click", () => {
      fill();
      show("restored");
    });
    note.querySelector("[data-discards]").addEventListener("click", () => {
      sessionStorage.removeItem(key);
      waiting.forEach(([name, draft]) => put(boxOf(name), isChanged ? boxOf(name).value : draft.was));
      sessionStorage.removeItem(key);
      note.hidden = true;
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    const sent = sessionStorage.getItem(SENT);
    sessionStorage.removeItem(SENT);
    if (!user()) return; // the login page: what was sent did not arrive
    forget((key) => !key.startsWith(`${PREFIX}${user()} `));
    const [page] = performance.getEntriesByType("navigation");
    const isAnswer = sent && (page.redirectCount > 0 || location.pathname !== sent.slice(keyOf("").length));
    if (isAnswer) sessionStorage.removeItem(sent);
    restore();
  });
})();
