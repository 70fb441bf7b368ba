/* "Tell me when it ends": a message of the browser, asked for by a click, while the page is open. */

(() => {
  const STOPPED = ["paused", "finished", "cancelled", "draft"];
  const keyOf = (place) => `redrive-tell-${place.dataset.job}`;
  const isPossible = () => "Notification" in window && window.isSecureContext;

  const say = (place) => {
    const { job, title } = place.dataset;
    const said = place.querySelector("[data-said]").textContent.trim().replace(/\s+/g, " ");
    try {
      const message = new Notification(title, { body: said, tag: `redrive-job-${job}` });
      message.onclick = () => {
        window.focus();
        message.close();
      };
    } catch {
      // Android's Chrome lets no page do this: the page itself shows what happened
    }
  };

  const draw = (place) => {
    const button = place.querySelector("button");
    if (!button) return;
    const isOn = sessionStorage.getItem(keyOf(place)) !== null;
    button.hidden = !isPossible();
    button.setAttribute("aria-pressed", String(isOn));
    button.querySelectorAll("[data-when]").forEach((each) => {
      each.hidden = (each.dataset.when === "on") !== isOn;
    });
  };

  /** Compare what the page shows by now with what it showed before; say it if the job stopped. */
  const look = (isFresh) => {
    const place = document.getElementById("rd-tell");
    if (!place) return;
    const { status } = place.dataset;
    const before = sessionStorage.getItem(keyOf(place));
    if (before !== null && before !== status) {
      if (STOPPED.includes(status) && !isFresh) say(place);
      if (STOPPED.includes(status) && status !== "paused") sessionStorage.removeItem(keyOf(place));
      else sessionStorage.setItem(keyOf(place), status);
    }
    draw(place);
  };

  const turn = async (place) => {
    const isOn = sessionStorage.getItem(keyOf(place)) !== null;
    const allowed = isOn || (await Notification.requestPermission()) === "granted";
    const shown = document.getElementById("rd-tell"); // it may have been swapped meanwhile
    if (!shown) return;
    shown.querySelector("[data-when=blocked]").hidden = allowed;
    if (isOn) sessionStorage.removeItem(keyOf(shown));
    else if (allowed) sessionStorage.setItem(keyOf(shown), shown.dataset.status);
    draw(shown);
  };

  document.addEventListener("click", (event) => {
    const place = event.target.closest("#rd-tell");
    if (place && event.target.closest("button")) turn(place);
  });
  document.addEventListener("DOMContentLoaded", () => look(true));
  document.addEventListener("htmx:afterSettle", () => look(false));
  document.addEventListener("htmx:oobAfterSwap", () => look(false));
})();
