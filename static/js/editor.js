// Source fields: line numbers beside the text, and Tab for indenting until Esc is pressed. Loaded by pages that have one.
"use strict";
(() => {
  const { all, on } = window.scheduler;
  const INDENT = "    ";
  const number = (text) => {
    const gutter = text.closest("[data-code]").querySelector(".code-gutter");
    const lines = text.value.split("\n").length;
    if (gutter.dataset.lines === String(lines)) return;
    gutter.dataset.lines = lines;
    gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
  };
  const refresh = () => all("[data-code] textarea").forEach(number);

  on("input", "[data-code] textarea", number);
  document.addEventListener("scroll", (e) => {
    const code = e.target.matches?.("textarea") && e.target.closest("[data-code]");
    if (code) code.querySelector(".code-gutter").scrollTop = e.target.scrollTop;
  }, true);
  on("keydown", "[data-code] textarea", (text, e) => {
    if (e.key === "Escape") text.dataset.leaving = "yes";
    else if (e.key !== "Tab" && e.key !== "Shift") delete text.dataset.leaving;
    if (e.key !== "Tab" || e.shiftKey || e.ctrlKey || e.altKey || text.dataset.leaving) return;
    e.preventDefault();
    text.setRangeText(INDENT, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });
  on("focusout", "[data-code] textarea", (text) => { delete text.dataset.leaving; });
  document.addEventListener("htmx:after:swap", refresh);
  refresh();
})();
