// The log of a run: follow the end, pause when scrolled up, mark ranges of lines. Loaded by pages that show one.
"use strict";
(() => {
  const { all, on, fill, copy, copied } = window.scheduler;
  const card = document.querySelector("[data-log]");
  if (!card) return;
  const view = card.querySelector(".log");
  const pill = card.querySelector("[data-log-new]");
  const follow = card.querySelector("[data-follow]");
  const wrap = card.querySelector("[data-wrap]");
  const MOST = 20000;
  let fresh = 0;

  const following = () => follow?.getAttribute("aria-pressed") === "true";
  // Earlier lines come in above: the reader's place is measured from below, where nothing moves.
  let below = null;
  document.addEventListener("htmx:before:swap", (e) => {
    if (e.detail.ctx?.sourceElement.matches?.("[data-earlier]")) below = view.scrollHeight - view.scrollTop;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (below !== null) view.scrollTop = view.scrollHeight - below;
    below = null;
  });
  const look = (line) => {
    view.scrollTop += line.getBoundingClientRect().top - view.getBoundingClientRect().top - view.clientHeight / 2;
    line.scrollIntoView({ block: "nearest" });
  };
  // A search brings other lines: the match is looked at once, then the reader may scroll as they like.
  let looked = view.querySelector(".is-current");
  document.addEventListener("htmx:after:swap", () => {
    const current = view.querySelector(".is-current");
    if (!current || current === looked) return;
    looked = current;
    setFollow(false);
    look(current);
  });
  // The element that asks for new lines must not be lost with one failed answer.
  document.addEventListener("htmx:finally:request", (e) => {
    const asked = e.detail.ctx?.sourceElement;
    if (!asked?.matches?.(".log-sentinel")) return;
    setTimeout(() => { if (asked.isConnected && !document.hidden) htmx.process(asked, true); }, 4000);
  });

  const nearEnd = () => view.scrollHeight - view.scrollTop - view.clientHeight < 40;
  const toEnd = () => { view.scrollTop = view.scrollHeight; };
  const tell = () => {
    if (!pill) return;
    pill.classList.toggle("is-shown", fresh > 0);
    if (fresh) pill.querySelector("[data-text]").textContent = fill(pill.querySelector("[data-text]").dataset.text, fresh);
  };
  const setFollow = (yes) => {
    follow?.setAttribute("aria-pressed", String(yes));
    if (!yes) return;
    fresh = 0;
    tell();
    toEnd();
  };

  let height = view.scrollHeight;
  view.addEventListener("scroll", () => {
    const grown = view.scrollHeight !== height;
    height = view.scrollHeight;
    if (nearEnd()) setFollowQuietly(true);
    else if (!grown) setFollowQuietly(false);
  });
  const setFollowQuietly = (yes) => {
    if (!follow || yes === following()) return;
    follow.setAttribute("aria-pressed", String(yes));
    if (yes) fresh = 0;
    tell();
  };
  // Only what comes after the lines already there is new; earlier lines loaded on top keep the place of the reader.
  new MutationObserver((changes) => {
    const added = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.matches?.(".line"));
    if (!added.length) return;
    const lines = all(".line", view);
    if (following()) {
      for (const line of lines.slice(0, Math.max(0, lines.length - MOST))) line.remove();
      toEnd();
    } else if (added.length >= lines.length) { // another part of the log, in place of the one before: no news
      fresh = 0;
      tell();
    } else if (added.includes(lines.at(-1))) {
      fresh += added.length;
      tell();
    }
  }).observe(view, { childList: true, subtree: true });

  follow?.addEventListener("click", () => setFollow(!following()));
  pill?.addEventListener("click", () => setFollow(true));

  const setWrap = (yes) => {
    view.classList.toggle("is-wrapped", yes);
    wrap?.setAttribute("aria-pressed", String(yes));
    localStorage.setItem("log-wrap", yes ? "yes" : "no");
  };
  wrap?.addEventListener("click", () => setWrap(!view.classList.contains("is-wrapped")));
  setWrap((localStorage.getItem("log-wrap") ?? (innerWidth < 768 ? "yes" : "no")) === "yes");
  on("click", "[data-fullscreen]", () => (document.fullscreenElement ? document.exitFullscreen() : card.requestFullscreen()));
  on("click", "[data-copy-log]", async (button) => {
    await copy(all(".line-text", view).map((line) => line.textContent).join("\n"));
    copied(button);
  });

  // #L10 or #L10-L20: marked, in sight, and made by clicking numbers (with Shift for the other end)
  const range = () => {
    const found = /^#L(\d+)(?:-L(\d+))?$/.exec(location.hash);
    if (!found) return null;
    const [one, other] = [Number(found[1]), Number(found[2] || found[1])];
    return [Math.min(one, other), Math.max(one, other)];
  };
  const mark = () => {
    for (const line of all(".line.is-marked", view)) line.classList.remove("is-marked");
    const [from, to] = range() || [1, 0];
    for (let at = from; at <= to && at - from < MOST; at += 1) document.getElementById(`L${at}`)?.classList.add("is-marked");
    return document.getElementById(`L${from}`);
  };
  on("click", ".line-number", (link, e) => {
    e.preventDefault();
    const at = Number(link.hash.slice(2));
    const [from] = range() || [at];
    history.replaceState(history.state, "", e.shiftKey && from !== at ? `#L${Math.min(from, at)}-L${Math.max(from, at)}` : link.hash);
    setFollow(false);
    mark();
  });
  const arrive = () => {
    const query = new URLSearchParams(location.search);
    const line = range() && mark();
    if (line) {
      setFollow(false);
      look(line);
    } else if (range() && !query.has("around")) {
      query.set("around", range()[0]);
      location.replace(`?${query}${location.hash}`);
    } else if (looked) look(looked);
    else if (following() || !range()) toEnd();
  };
  window.addEventListener("hashchange", arrive);
  arrive();
})();
