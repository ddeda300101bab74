// What every page does in the browser: theme, menus, dialogs, toasts, copying, times, lists, polling, keys. Pages work without it.
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const meta = (name) => document.querySelector(`meta[name="${name}"]`).content;
  const words = JSON.parse(meta("words"));
  const fill = (pattern, ...values) => values.reduce((text, value, at) => text.replace(`{${at}}`, value), pattern);
  const on = (event, selector, act) =>
    document.addEventListener(event, (e) => {
      const found = e.target.closest?.(selector);
      if (found) act(found, e);
    });
  root.classList.add("js");

  // Theme: the cookie tells the server, so that the next page arrives in the right colours.
  on("submit", "[data-theme-form]", (form, e) => {
    e.preventDefault();
    const theme = { auto: "light", light: "dark", dark: "auto" }[root.dataset.bsTheme] || "auto";
    root.dataset.bsTheme = theme;
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
  });

  // Menus and dialogs
  document.addEventListener("click", (e) => {
    for (const menu of all("details.menu[open]")) if (!menu.contains(e.target)) menu.open = false;
    if (e.target.closest?.(".menu-item, .menu-panel .nav-line")) e.target.closest("details.menu").open = false;
    if (e.target.matches?.("dialog.dialog")) e.target.close();
  });
  document.addEventListener("keydown", (e) => {
    const menu = e.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  const show = (dialog) => dialog && !dialog.open && dialog.showModal();
  // A fetched dialog that was closed is gone, with what it kept asking for; its links leave what lies below it alone
  const slot = document.getElementById("dialog-slot");
  slot.addEventListener("close", (e) => e.target.remove(), true);
  on("click", "#trial a[href]", (link) => { link.target = "_blank"; });
  on("click", "[data-dialog]", (button) => {
    show(document.getElementById(button.dataset.dialog));
  });
  on("click", "dialog [data-close]", (button, e) => {
    e.preventDefault();
    button.closest("dialog").close();
  });

  // Asking first: `data-confirm` on a form or on the button that sends it; `hx-confirm` where htmx sends without a form
  const ask = (text, { confirmTitle, confirmVerb }, button) => new Promise((answer) => {
    const dialog = document.getElementById("confirm-template").content.firstElementChild.cloneNode(true);
    const part = (name) => dialog.querySelector(`[data-confirm-${name}]`);
    part("text").textContent = text;
    if (confirmTitle) part("title").textContent = confirmTitle;
    part("verb").textContent = confirmVerb || button?.textContent.trim() || part("verb").textContent;
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
  document.addEventListener("submit", async (e) => {
    const { target, submitter } = e;
    const asked = submitter?.dataset.confirm !== undefined ? submitter : target;
    if (asked.dataset.confirm === undefined || asked.dataset.confirmed) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    if (!(await ask(asked.dataset.confirm, asked.dataset, submitter))) return;
    asked.dataset.confirmed = "yes";
    target.requestSubmit(submitter);
    delete asked.dataset.confirmed;
  }, true);
  document.addEventListener("htmx:confirm", async (e) => {
    const { ctx, issueRequest, dropRequest } = e.detail;
    e.preventDefault();
    if (await ask(ctx.confirm, ctx.sourceElement.dataset, ctx.sourceElement)) issueRequest();
    else dropRequest();
  });

  // Toasts leave after a while, except errors; not while looked at
  const toasts = document.getElementById("toasts");
  const arm = (toast) => {
    if (toast.dataset.toast || toast.matches(".toast-danger")) return;
    toast.dataset.toast = "armed";
    const start = () => { toast.timer = setTimeout(() => toast.remove(), 7000); };
    const stop = () => clearTimeout(toast.timer);
    for (const event of ["mouseenter", "focusin"]) toast.addEventListener(event, stop);
    for (const event of ["mouseleave", "focusout"]) toast.addEventListener(event, start);
    start();
  };
  new MutationObserver(() => all("[data-toast]", toasts).forEach(arm)).observe(toasts, { childList: true });
  all("[data-toast]", toasts).forEach(arm);
  on("click", "[data-dismiss]", (button) => button.closest("[data-toast]").remove());

  // Copying; without TLS the browser has no clipboard to offer, a selection does
  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  const copied = (button) => {
    const use = button.querySelector("use");
    const before = use?.getAttribute("href");
    const label = button.getAttribute("aria-label");
    use?.setAttribute("href", before.replace(/#.*/, "#check"));
    if (label) button.setAttribute("aria-label", words.copied);
    setTimeout(() => {
      use?.setAttribute("href", before);
      if (label) button.setAttribute("aria-label", label);
    }, 1500);
  };
  on("click", "[data-copy], [data-copy-from]", async (button) => {
    const from = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
    await copy(from ? from.value ?? from.innerText : button.dataset.copy || location.href);
    copied(button);
  });

  // Times: the same patterns the server uses, by the server's clock
  const ahead = Date.parse(meta("server-time")) - Date.now();
  const since = (element, name) => (Date.now() + ahead - Date.parse(element.getAttribute(name))) / 1000;
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const units = (seconds, count) => {
    const first = UNITS.findIndex(([, length]) => seconds >= length || length === 1);
    const [name, length] = UNITS[first];
    const amount = Math.max(0, Math.floor(seconds / length));
    const [smaller, unit] = UNITS[count > 1 ? first + 1 : UNITS.length] || [];
    const rest = unit ? Math.floor((seconds - amount * length) / unit) : 0;
    return rest ? fill(words[`${name}_${smaller}`], amount, rest) : fill(words[name], amount);
  };
  const ago = (passed) => (passed < 5 ? words.now : fill(words.ago, units(passed, 1)));
  const until = (left) => {
    if (left < -5) return fill(words.overdue, units(-left, 1));
    return left < 1 ? words.soon : fill(words.until, units(left, left >= 3600 ? 2 : 1));
  };
  const two = (n) => String(n).padStart(2, "0");
  const stopwatch = (seconds) => {
    const s = Math.max(0, Math.floor(seconds));
    const clock = `${Math.floor(s / 60) % 60}:${two(s % 60)}`;
    return s < 3600 ? clock : `${Math.floor(s / 3600)}:${clock.padStart(5, "0")}`;
  };
  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const tick = () => {
    if (document.hidden) return;
    for (const element of all("time[data-elapsed]")) write(element, stopwatch(since(element, "data-elapsed")));
    for (const element of all("time[data-relative]")) {
      const passed = since(element, "datetime");
      if (element.dataset.relative === "until") write(element, until(-passed));
      else if (passed < 30 * 86400) write(element, ago(passed));
    }
  };
  setInterval(tick, 1000);

  // Lists: ticking rows, and what the bar says about them
  const count = () => {
    for (const list of all(".listing")) {
      const rows = all(".select-row", list);
      const ticked = rows.filter((row) => row.checked).length;
      const head = list.querySelector("[data-select-all]");
      if (head) Object.assign(head, { checked: ticked > 0 && ticked === rows.length, indeterminate: ticked > 0 && ticked < rows.length });
      for (const place of all("[data-selected]", list)) place.textContent = fill(place.dataset.selected, ticked);
    }
  };
  on("change", "[data-select-all]", (head) => {
    for (const row of all(".select-row", head.closest(".listing"))) row.checked = head.checked;
  });
  on("change", ".listing", count);
  count();

  // Rows of a field: one more, one less; the last spare row is emptied instead
  const empty = (row) => { for (const input of all("input", row)) input.value = ""; };
  on("click", "[data-add-row]", (button) => {
    const row = all("[data-row]", button.closest("[data-rows]")).at(-1);
    const added = row.cloneNode(true);
    const next = all("[data-row]", button.closest("[data-rows]")).length + 1;
    empty(added);
    for (const named of all("[aria-label]", added)) named.setAttribute("aria-label", named.getAttribute("aria-label").replace(/\d+$/, next));
    row.after(added);
    added.querySelector("input").focus();
  });
  on("click", "[data-remove-row]", (button) => {
    const rows = button.closest("[data-rows]");
    const row = button.closest("[data-row]");
    if (all("[data-row]", rows).length > 1) row.remove();
    else empty(row);
    rows.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // A refresh leaves open what somebody has opened
  htmx.config.morphIgnore.push("open");

  // htmx: a hidden tab asks nothing, and asks again what it held back; a lost server is said once
  const held = new Set();
  document.addEventListener("htmx:before:request", (e) => {
    const { sourceEvent, sourceElement } = e.detail.ctx;
    if (!document.hidden || !["load", "every"].includes(sourceEvent?.type)) return;
    e.preventDefault();
    if (sourceEvent.type === "load") held.add(sourceElement);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    tick();
    for (const element of held) if (element.isConnected) htmx.process(element, true);
    held.clear();
  });
  let lost = null;
  document.addEventListener("htmx:error", (e) => {
    if (lost?.isConnected || !e.detail.ctx) return;
    lost = document.createElement("div");
    lost.className = "toast-item toast-danger";
    lost.dataset.toast = "stays";
    lost.append(Object.assign(document.createElement("span"), { textContent: words.offline }));
    toasts.append(lost);
  });
  document.addEventListener("htmx:before:response", () => lost?.remove());
  // How many runs go on stands before the title, for whoever looks at the tab alone
  const title = document.title;
  const entitle = () => {
    const running = Number(document.getElementById("heartbeat")?.dataset.running || 0);
    document.title = running ? `(${running}) ${title}` : title;
  };
  entitle();
  document.addEventListener("htmx:after:swap", () => {
    entitle();
    show(document.querySelector("#dialog-slot dialog[data-open]"));
    count();
    tick();
  });
  // The keyboard: every element that says `data-key` is reached by that key, rows by j and k; silent while somebody types
  const typing = (element) => element.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });
  let first = "";
  const rowOf = (element) => element?.closest?.("[data-row-link]");
  const move = (step) => {
    const rows = all("[data-row-link]").filter(seen);
    const at = rows.indexOf(rowOf(document.activeElement));
    const row = rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)];
    row?.querySelector("a").focus();
    row?.scrollIntoView({ block: "nearest" });
  };
  // A key acts on the row that has the focus; else on the page, never on some row nobody chose.
  const find = (key) => {
    const has = (element) => element.dataset.key === key && seen(element);
    const row = rowOf(document.activeElement);
    return (row && all("[data-key]", row).find(has)) || all("[data-key]").find((element) => has(element) && !rowOf(element));
  };
  const act = (element) => {
    if (element.matches("input:not([type=checkbox]), textarea, select")) element.focus();
    else element.click();
  };

  // The search on top: arrows go through what was found, Enter takes the first, Esc leaves
  const current = (form, text) => form.querySelector("[data-found]")?.dataset.found === text;
  on("keydown", ".search-corner", (form, e) => {
    const places = [form.elements.q, ...all(".found li > a:first-child", form)];
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step) places.at((places.indexOf(document.activeElement) + step + places.length) % places.length).focus();
    else if (e.key === "Escape") document.activeElement.blur();
    else if (e.key === "Enter" && document.activeElement === places[0] && places[1] && current(form, places[0].value.trim() || null)) places[1].click();
    else return;
    e.preventDefault();
  });

  document.addEventListener("keydown", (e) => {
    const wanted = (e.ctrlKey || e.metaKey) && ["s", "k"].includes(e.key) && document.querySelector(`[data-key="mod ${e.key}"]`);
    if (wanted && seen(wanted) && (e.key === "s" || !document.querySelector("dialog[open]"))) {
      e.preventDefault();
      act(wanted);
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || typing(e.target) || document.querySelector("dialog[open]")) return;
    const key = first ? `${first} ${e.key}` : e.key;
    first = "";
    if (key === "j" || key === "k") return move(key === "j" ? 1 : -1);
    if (key === "?") return document.getElementById("shortcuts")?.showModal();
    const found = find(key);
    if (found) {
      e.preventDefault();
      act(found);
    } else if (key === "g") {
      first = "g";
      setTimeout(() => { first = ""; }, 1200);
    }
  });

  window.scheduler = { all, on, fill, copy, copied };
})();
