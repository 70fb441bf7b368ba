/* What Unfold's own pages lack for the keyboard and for screen readers. */

(() => {
  const ICONS = ".material-symbols-outlined:not([aria-hidden])";
  const CLICKABLE = "[x-on\\:click]:not(a[href], button, input, summary, [role], [id$=-close])";

  const nameOf = (each) => {
    const place = each.closest("[data-label]");
    const more = document.getElementById("rd-main")?.dataset.more;
    return each.title || (place && place.dataset.label) || more || "";
  };

  /** An icon is a word in a special font: it is for the eye only. */
  const hideIcons = () => {
    document.querySelectorAll(ICONS).forEach((icon) => {
      const control = icon.closest("a, button, [role=button]");
      if (control === icon) return;
      icon.setAttribute("aria-hidden", "true");
      const isNamed = control && (control.ariaLabel || control.innerText.replace(icon.innerText, "").trim());
      if (control && !isNamed && nameOf(control)) control.setAttribute("aria-label", nameOf(control));
    });
  };

  /** What answers to a click answers to Enter and Space, too, and can be reached by Tab. */
  const reachClickable = () => {
    document.querySelectorAll(CLICKABLE).forEach((each) => {
      each.setAttribute("role", "button");
      each.tabIndex = 0;
      const isIcon = each.matches(".material-symbols-outlined");
      if ((isIcon || !each.innerText.trim()) && nameOf(each)) each.setAttribute("aria-label", nameOf(each));
    });
  };

  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (!target.matches || !target.matches("[role=button]:not(a[href], button)")) return;
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    target.click();
  });

  /** A cell's label is its column's heading. Unfold calls the first one “Select record” always. */
  const nameCells = () => {
    document.querySelectorAll("#result_list [data-label]").forEach((cell) => {
      cell.dataset.label = cell.dataset.label.charAt(0).toUpperCase() + cell.dataset.label.slice(1);
    });
    const heading = document.querySelector("#result_list thead th");
    if (!heading || heading.querySelector("input")) return;
    document.querySelectorAll("#result_list .data-row > td:first-child").forEach((cell) => {
      cell.dataset.label = heading.innerText.trim() || heading.textContent.trim();
    });
  };

  const mend = () => {
    nameCells();
    reachClickable();
    hideIcons();
  };
  document.addEventListener("DOMContentLoaded", mend);
  window.addEventListener("load", () => {
    const here = document.querySelector("#nav-sidebar-apps [aria-current]");
    if (here) here.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("alpine:initialized", mend);
  document.addEventListener("htmx:afterSettle", mend);
})();
