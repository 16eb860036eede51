"use strict";
// What the page shows and marks. All of it stands in the address, so that a link or a reload brings it back:
// #sort=-E&mark=0.12&find=feasible C>3&keep=E:10:20 (a minus sorts downwards; "keep" is what a brush left).
const Page = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const columns = new Map(data.columns.map((c) => [c.key, c]));
  const rows = new Map(data.rows.map((r) => [r.id, r]));
  const state = { sort: "", mark: "", find: "", keep: {} };
  const listeners = [];

  // Elements, of HTML or (names that begin with "svg:") of SVG; texts are never read as markup.
  function el(name, attributes = {}, ...children) {
    const svg = name.startsWith("svg:");
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4)) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(key, value);
      else if (value !== null && value !== undefined) node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  }

  function number(x, digits = 3) {
    if (x === null || x === undefined || !Number.isFinite(x)) return "–";
    return Math.abs(x) >= 1000 ? x.toFixed(0) : String(Number(x.toPrecision(digits)));
  }

  // A value with its interval, as the table writes it.
  function value(row, key) {
    const bounds = row.i[key];
    const text = (x) => number(x, columns.get(key)?.digits);
    return text(row.v[key]) + (bounds ? ` [${text(bounds[0])}, ${text(bounds[1])}]` : "");
  }

  // Lines that say all about a row: its name, what was measured, its parameters, and why it failed.
  function describe(row) {
    const group = data.groups[row.g].name;
    const lines = [row.name + (data.groups.length > 1 && !row.name.startsWith(group) ? `, ${group}` : "")];
    for (const c of data.columns) {
      if (c.key === data.number || row.v[c.key] === undefined || (row.v[c.key] === null && !c.parameter)) continue;
      lines.push(`${c.label}: ${value(row, c.key)}`);
    }
    if (row.state) lines.push(row.why ? `${row.state}: ${row.why}` : row.state);
    return lines;
  }

  // A word like C>3 or tau_m.cv<=0.5 asks for a number, any other for text of the row.
  const plain = (key) => key.toLowerCase().replace(/\s/g, "");
  function wanted(word) {
    const parts = word.match(/^(.+?)(<=|>=|<|>)(-?[\d.]+(?:e-?\d+)?)$/i);
    const fits = parts ? data.columns.filter((c) => plain(c.key).endsWith(plain(parts[1]))) : [];
    const column = fits.find((c) => plain(c.key) === plain(parts[1])) || fits[0];
    // Words are found at their beginning, so that "feasible" does not find "infeasible".
    if (!column) return (row) => ["", row.name, data.groups[row.g].name, row.state, row.why].join(" ").toLowerCase().includes(` ${word}`);
    const limit = Number(parts[3]);
    const test = { "<": (x) => x < limit, "<=": (x) => x <= limit, ">": (x) => x > limit, ">=": (x) => x >= limit }[parts[2]];
    return (row) => Number.isFinite(row.v[column.key]) && test(row.v[column.key]);
  }

  function choose() {
    const tests = state.find.toLowerCase().replace(/\s*(<=|>=|<|>)\s*/g, "$1").split(/\s+/).filter(Boolean).map(wanted);
    for (const row of data.rows) {
      const kept = Object.entries(state.keep).every(([key, [low, high]]) => row.v[key] >= low && row.v[key] <= high
        && row.v[key] !== null);
      row.shown = kept && tests.every((test) => test(row));
    }
  }

  function write() {
    const keep = Object.entries(state.keep).map(([key, range]) => [encodeURIComponent(key), ...range].join(":"));
    const parts = ["sort", "mark", "find"].filter((k) => state[k]).map((k) => `${k}=${address(state[k])}`);
    if (keep.length) parts.push("keep=" + keep.join(","));
    try {
      history.replaceState(null, "", parts.length ? "#" + parts.join("&") : location.pathname + location.search);
    } catch (error) {
      // some places that show a page do not let it change its address
    }
  }
  const address = (text) => (text.startsWith("-") ? "-" : "") + encodeURIComponent(text.replace(/^-/, ""));

  function read() {
    if (location.hash && !location.hash.includes("=")) return tell(); // a place on the page, which changes nothing
    const found = { sort: "", mark: "", find: "", keep: {} };
    try {
      for (const part of location.hash.slice(1).split("&")) {
        const [key, text] = [part.split("=")[0], part.slice(part.indexOf("=") + 1)];
        if (key === "keep") {
          for (const range of text.split(",")) {
            const [name, low, high] = range.split(":");
            const column = columns.get(decodeURIComponent(name));
            if (column && Number(low) <= Number(high)) found.keep[column.key] = [Number(low), Number(high)];
          }
        } else if (key in found) found[key] = decodeURIComponent(text);
      }
    } catch (error) {
      return tell(); // not an address that this page wrote
    }
    if (!rows.has(found.mark)) found.mark = "";
    Object.assign(state, found);
    tell();
  }

  function tell() {
    choose();
    listeners.forEach((listener) => listener(state));
  }

  function set(changes) {
    Object.assign(state, changes);
    write();
    tell();
  }

  // Places on the page are gone to without an address, which would lose what is marked.
  for (const link of document.querySelectorAll("nav a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const place = document.querySelector(link.getAttribute("href"));
      place.tabIndex = -1;
      place.focus();
      place.scrollIntoView();
    });
  }

  const mark = (id) => set({ mark: state.mark === id ? "" : id });
  const listen = (listener) => listeners.push(listener);
  return { data, columns, rows, state, el, number, value, describe, set, mark, listen, read };
})();

// Light or dark: as the system has it, until the switch is used.
(() => {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const keep = (theme) => { try { return theme ? localStorage.setItem("theme", theme) : localStorage.getItem("theme"); } catch (e) { return null; } };
  const before = keep();
  if (before === "dark" || before === "light") root.dataset.theme = before;
  const button = Page.el("button", { type: "button", id: "theme", click: () => {
    root.dataset.theme = dark() ? "light" : "dark";
    keep(root.dataset.theme);
    say();
  } });
  const say = () => { button.textContent = dark() ? "light colours" : "dark colours"; };
  say();
  document.querySelector("nav").append(button);
})();

// A page that is served asks whether there is a newer one; the address keeps what is marked.
(() => {
  if (!Page.data.live) return;
  const note = document.querySelector("nav").appendChild(Page.el("span", { id: "live", role: "status" }, "live"));
  setInterval(async () => {
    try {
      const version = await (await fetch("version", { cache: "no-store" })).text();
      note.textContent = "live";
      if (version !== Page.data.live) location.reload();
    } catch (error) {
      note.textContent = "no longer served: what stands here is the last that was";
    }
  }, 2000);
})();
