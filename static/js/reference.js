// The page of the API: a form for any call, sent as whoever is signed in, and what came back. Without it there is the line to copy.
"use strict";
(() => {
  const { all, on } = window.scheduler;
  const LONGEST = 200000; // characters of an answer that are shown
  const page = document.querySelector("[data-document]");
  const meta = (name) => document.querySelector(`meta[name="${name}"]`).content;
  const words = JSON.parse(meta("words"));
  const made = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
  const sent = (address, options = {}) => fetch(address, {
    ...options,
    headers: { "Accept-Language": document.documentElement.lang, "X-CSRFToken": meta("csrf-token"), ...options.headers },
  });

  // The document, fetched once: by the name of each call its method, its path and what it takes
  let calls;
  const known = async () => {
    const answer = await sent(page.dataset.document);
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    const { paths, servers } = await answer.json();
    const base = servers[0].url.replace(/\/$/, "");
    const each = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, said]) => [said.operationId, { ...said, method: method.toUpperCase(), path: base + path }]));
    return new Map(each);
  };
  const find = async (id) => {
    calls ??= known();
    try {
      return (await calls).get(id);
    } catch (error) {
      calls = undefined;
      throw error;
    }
  };

  // The form: a field for each parameter, and the body as an example has it
  const chooser = (choices) => {
    const select = Object.assign(document.createElement("select"), { className: "form-select", translate: false });
    for (const choice of ["", ...choices]) select.append(new Option(choice, choice));
    return select;
  };
  const choicesOf = ({ type, enum: choices, anyOf = [] }) =>
    choices || (type === "boolean" ? ["true", "false"] : anyOf.map(choicesOf).find((found) => found.length) || []);
  const field = (id, said) => {
    const row = made("try-field");
    const label = row.querySelector("label");
    const choices = choicesOf(said.schema);
    if (choices.length) row.querySelector("input").replaceWith(chooser(choices));
    const input = row.querySelector("input, select");
    const usual = said.schema.default;
    Object.assign(input, { id: `try-${id}-${said.in}-${said.name}`, name: `${said.in} ${said.name}`, value: said.example ?? "" });
    if (usual !== undefined && usual !== null && input.matches("input")) input.placeholder = usual;
    label.htmlFor = input.id;
    label.querySelector("code").textContent = said.name;
    label.querySelector(".required").hidden = !said.required;
    return row;
  };
  const exampleOf = (call) =>
    Object.entries(call.requestBody?.content || {}).map(([media, { example }]) => [typeof example === "string" ? "text/plain" : media, example])[0];
  const open = (place, call) => {
    const form = made("try-form");
    const [media, example] = exampleOf(call) || [];
    const body = form.querySelector("[data-try-body]");
    form.querySelector("[data-try-warning]").hidden = call.method === "GET";
    form.querySelector("[data-try-fields]").append(...call.parameters.map((said) => field(place.dataset.try, said)));
    body.hidden = !media;
    body.querySelector("label").htmlFor = body.querySelector("textarea").id = `try-${place.dataset.try}-body`;
    if (media) body.querySelector("textarea").value = typeof example === "string" ? example : JSON.stringify(example, null, 2);
    form.dataset.media = media || "";
    place.append(form);
    form.querySelector("input, select, textarea:not([hidden] *), button")?.focus();
  };

  // Sending it, and what came back
  const request = (form, call) => {
    let path = call.path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { name, value } of all("[data-try-fields] input, [data-try-fields] select", form)) {
      const [where, called] = name.split(" ");
      if (where === "path") path = path.replace(`{${called}}`, encodeURIComponent(value));
      else if (value !== "" && where === "query") query.set(called, value);
      else if (value !== "") headers[called] = value;
    }
    const body = form.dataset.media && form.querySelector("textarea").value;
    if (body) headers["Content-Type"] = form.dataset.media;
    return [query.size ? `${path}?${query}` : path, { method: call.method, headers, ...(body ? { body } : {}) }];
  };
  const laid = (text, kind) => {
    if (!/json/.test(kind)) return text;
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text; // it says JSON and is none: shown as it came
    }
  };
  const show = (form, status, good, headers = "", text = "") => {
    const place = form.querySelector("[data-try-answer]");
    const line = place.querySelector(".try-status");
    place.hidden = false;
    line.textContent = status;
    line.className = `try-status mono ${good ? "text-good" : "text-bad"}`;
    place.querySelector("[data-try-headers]").textContent = headers;
    place.querySelector("details").hidden = !headers;
    Object.assign(place.querySelector("[data-try-text]"), { textContent: text, hidden: !text });
  };
  const send = async (form, call) => {
    const began = performance.now();
    try {
      const answer = await sent(...request(form, call));
      const text = laid(await answer.text(), answer.headers.get("Content-Type") || "");
      const took = Math.round(performance.now() - began);
      const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
      show(form, [answer.status, answer.statusText, `· ${took} ms`].filter(Boolean).join(" "), answer.ok, headers, shown);
    } catch {
      show(form, words.offline, false);
    }
  };

  on("click", "[data-try-open]", async (button) => {
    const place = button.closest("[data-try]");
    button.disabled = true;
    try {
      open(place, await find(place.dataset.try));
      button.hidden = true;
    } catch {
      button.after(Object.assign(document.createElement("span"), { className: "text-bad small", role: "status", textContent: ` ${words.offline}` }));
    }
    button.disabled = false;
  });
  on("click", "[data-try-close]", (button) => {
    const place = button.closest("[data-try]");
    const opener = place.querySelector("[data-try-open]");
    place.querySelector("form").remove();
    opener.hidden = false;
    opener.focus();
  });
  on("submit", "form.try", async (form, e) => {
    e.preventDefault();
    const button = form.querySelector(".btn-primary");
    if (button.disabled) return;
    button.disabled = true;
    await send(form, await find(form.closest("[data-try]").dataset.try));
    button.disabled = false;
  });
})();
