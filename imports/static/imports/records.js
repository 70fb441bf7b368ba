/* The editor of one record: numbers its lines, goes to a mistake, and lets nothing be lost. */

(() => {
  const editorOf = (each) => each.closest && each.closest("[data-editor]");

  /** As many numbers as lines, at the same height. */
  const number = (editor) => {
    const text = editor.querySelector("textarea");
    const lines = editor.querySelector("[data-lines]");
    const count = text.value.split("\n").length;
    if (lines.dataset.count !== String(count)) {
      lines.dataset.count = count;
      lines.textContent = Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");
      text.rows = Math.min(count + 1, 40);
    }
    lines.scrollTop = text.scrollTop;
  };

  document.addEventListener("input", (event) => {
    const editor = editorOf(event.target);
    if (!editor) return;
    editor.dataset.changed = "yes";
    number(editor);
  });
  document.addEventListener(
    "scroll",
    (event) => {
      const editor = editorOf(event.target);
      if (editor && event.target.matches("textarea")) number(editor);
    },
    true,
  );
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-editor]").forEach(number);
  });

  /** From what is said of a mistake to its place. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-goes-to-line]");
    const text = button && document.querySelector("[data-editor] textarea");
    if (!text) return;
    const lines = text.value.split("\n");
    const line = Math.min(Number(button.dataset.goesToLine), lines.length);
    const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const at = before + Math.min(Number(button.dataset.goesToColumn) - 1, lines[line - 1].length);
    text.focus();
    text.setSelectionRange(at, Math.max(at + 1, before + lines[line - 1].length));
    text.scrollTop = (line - 4) * parseFloat(getComputedStyle(text).lineHeight);
  });

  /** What was written is not left behind by mistake. */
  document.addEventListener("submit", (event) => {
    const editor = event.target.querySelector("[data-editor]");
    if (editor) delete editor.dataset.changed;
  });
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("[data-editor][data-changed]")) event.preventDefault();
  });
})();
