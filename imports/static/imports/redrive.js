/* What the operator's pages do in the browser: watch a job, open dialogs, take dropped files. */

(() => {
  const HIDDEN_EVERY = 15; // a tab in the background asks this many times less often
  const LOST_EVERY = 5;
  let lost = "";
  let skipped = 0;

  /** Whether a poll of this many seconds is due: seldom in a hidden tab or when nobody answers. */
  window.redriveMayPoll = () => {
    if (lost === "login") return false;
    const pause = document.hidden ? HIDDEN_EVERY : lost ? LOST_EVERY : 1;
    skipped += 1;
    if (skipped < pause) return false;
    skipped = 0;
    return true;
  };

  const tell = (what) => {
    const note = document.getElementById("rd-lost");
    lost = what;
    if (!note) return;
    note.hidden = !what;
    note.querySelectorAll("[data-lost]").forEach((each) => {
      each.hidden = each.dataset.lost !== what;
    });
  };

  const isLive = (event) => event.detail.elt && event.detail.elt.closest("[data-live]");
  /** Whether somebody pressed something for it: a page that asks by itself takes nobody's page away. */
  const isPressed = (event) => ["submit", "click"].includes(event.detail.requestConfig.triggeringEvent?.type);
  const isLogin = (xhr) => xhr.responseURL.includes("/login/") || xhr.status === 401;

  document.addEventListener("htmx:sendError", (event) => isLive(event) && tell("connection"));
  document.addEventListener("htmx:timeout", (event) => isLive(event) && tell("connection"));
  document.addEventListener("htmx:responseError", (event) => {
    if (isLive(event)) tell(event.detail.xhr.status === 403 ? "login" : "server");
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (isLogin(event.detail.xhr)) {
      event.detail.shouldSwap = false;
      event.stopPropagation();
      if (isPressed(event)) window.location.reload();
      else tell("login");
    } else if (isLive(event) && event.detail.xhr.status === 200) {
      tell("");
    } else if (event.detail.xhr.status === 422) {
      event.detail.shouldSwap = true;
    }
  });
  document.addEventListener("visibilitychange", () => {
    skipped = document.hidden ? 0 : HIDDEN_EVERY;
  });

  /** A time in the reader's own zone, where that is another than the server's. */
  const localTimes = (root) => {
    root.querySelectorAll("time[data-when], text[data-when]").forEach((each) => {
      const written = each.dateTime || each.dataset.at; // a drawing's text has no dateTime
      const at = new Date(written);
      const serverOffset = written.match(/([+-])(\d\d):(\d\d)$/);
      const minutes = serverOffset ? (serverOffset[1] + "1") * (serverOffset[2] * 60 + +serverOffset[3]) : 0;
      if (minutes === -at.getTimezoneOffset()) return;
      const two = (number) => String(number).padStart(2, "0");
      const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
      const day = `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
      const second = `${time}:${two(at.getSeconds())}`;
      const date = `${at.getFullYear()}-${day}`;
      const styles = { time: second, seconds: `${date} ${second}`, minute: time, day: `${day} ${time}` };
      each.textContent = styles[each.dataset.when] || `${date} ${time}`;
    });
    root.querySelectorAll("[data-zone]").forEach((each) => {
      each.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || each.textContent;
    });
  };

  const show = (dialog) => {
    if (!dialog || dialog.open) return;
    dialog.showModal();
    const first = dialog.querySelector("[data-first]"); // autofocus would act without a script, too
    if (first) first.focus();
  };

  /** Dialogs that open by themselves do so once for each person, not over another one. */
  const openOnce = () => {
    document.querySelectorAll("dialog[data-opens-once]").forEach((dialog) => {
      const key = `redrive-${dialog.dataset.opensOnce}`;
      if (localStorage.getItem(key) || document.querySelector("dialog[open]")) return;
      localStorage.setItem(key, "seen");
      show(dialog);
    });
  };

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) show(document.getElementById(opener.dataset.opens));
    const filler = event.target.closest("[data-fills]");
    if (filler) {
      new URLSearchParams(filler.dataset.fills).forEach((value, name) => {
        const field = filler.closest("form").elements[name];
        if (field) field.value = value;
      });
    }
  });
  /** An open menu closes when anything else is clicked, when something in it is, and by Escape. */
  const closeMenus = (but) => {
    document.querySelectorAll("[data-menu][open]").forEach((menu) => {
      if (menu !== but) menu.open = false;
    });
  };
  document.addEventListener("click", (event) => {
    const summary = event.target.closest("[data-menu] > summary");
    closeMenus(summary && summary.parentElement);
  });
  /** A list that would reach under the side bar opens to the right. */
  const turnMenu = (event) => {
    const menu = event.target;
    const list = menu.open && menu.querySelector(".rd-menu-list");
    const page = menu.closest(".rd-page");
    if (!list || !page) return;
    list.classList.remove("rd-menu-turned");
    const edge = page.getBoundingClientRect().left;
    list.classList.toggle("rd-menu-turned", list.getBoundingClientRect().left < edge);
  };
  document.addEventListener("toggle", turnMenu, true);
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  /** A question that was fetched is a dialog; when it closes it is gone, and so is what it held. */
  const openAsked = () => {
    document.querySelectorAll("dialog[data-opens-now]").forEach((dialog) => {
      if (dialog.open) return;
      dialog.addEventListener("close", () => dialog.remove(), { once: true });
      show(dialog);
    });
  };
  document.addEventListener("click", (event) => {
    const closer = event.target.closest("[data-closes]");
    if (closer) closer.closest("dialog").close();
  });
  /** Buttons that act on selected records say how many they are. */
  const countSelected = (form) => {
    form.querySelectorAll("[data-selected]").forEach((each) => {
      const count = form.querySelectorAll(`input[name="${each.dataset.selected}"]:checked`).length;
      each.textContent = count ? ` (${count})` : "";
    });
  };
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-ticks]");
    if (all) {
      all.form.querySelectorAll(`input[name="${all.dataset.ticks}"]`).forEach((each) => {
        each.checked = all.checked;
      });
    }
    if (event.target.form) countSelected(event.target.form);
  });

  /** Files that are dropped are files that were chosen. */
  const zoneOf = (event) => event.target.closest && event.target.closest("[data-drop]");
  ["dragover", "dragleave", "drop"].forEach((name) => {
    document.addEventListener(name, (event) => {
      const zone = zoneOf(event);
      if (!zone) return;
      event.preventDefault();
      zone.classList.toggle("rd-over", name === "dragover");
      if (name !== "drop" || !event.dataTransfer.files.length) return;
      const input = zone.querySelector("[data-dropped]");
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });
  document.addEventListener("htmx:xhr:progress", (event) => {
    const meter = event.target.querySelector && event.target.querySelector("[data-upload]");
    if (!meter || !event.detail.lengthComputable) return;
    meter.hidden = false;
    meter.value = (100 * event.detail.loaded) / event.detail.total;
  });

  /** Unfold writes a chosen file's name into a text field beside it; ours have none. */
  const keepUnfoldAway = () => {
    document.querySelectorAll(".rd-page input[type=file]").forEach((each) => {
      each.hasChangeListener = true;
    });
  };
  document.addEventListener("DOMContentLoaded", keepUnfoldAway);
  document.addEventListener("htmx:afterSwap", keepUnfoldAway);

  const settle = () => {
    localTimes(document);
    openOnce();
    openAsked();
  };
  const showCurrentTab = () => {
    const tab = document.querySelector(".rd-tab-link[aria-current]");
    if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 40;
  };
  document.addEventListener("DOMContentLoaded", showCurrentTab);
  document.addEventListener("DOMContentLoaded", settle);
  document.addEventListener("htmx:afterSettle", settle);
  document.addEventListener("htmx:oobAfterSwap", settle);
})();
