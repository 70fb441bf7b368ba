/* Counts the point that was pressed in the pixels of the browser, however large its picture is. */

(() => {
  document.addEventListener("click", (event) => {
    const shown = event.target;
    if (!shown.matches?.("[data-remote]")) return;
    const size = new Image();
    size.src = shown.src; // from the cache: how large the picture is in itself
    const scale = size.naturalWidth ? size.naturalWidth / shown.clientWidth : 1;
    const at = { x: event.offsetX, y: event.offsetY };
    for (const name of ["x", "y"]) shown.form.elements[name].value = String(Math.round(at[name] * scale));
  }, true);

  /** What was typed for the browser is its own from now on. */
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.id === "rd-controls" && event.detail.successful)
      event.target.querySelector("#rd-remote-text").value = "";
  });
})();
