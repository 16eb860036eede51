// The table of rows: it sorts, hides what is not asked for, marks a row, and is taken away as CSV or TOML.
(() => {
  const { data, rows, state, el, set } = Page;
  const table = document.querySelector(".trials table");
  if (!table) return;
  const headings = Array.from(table.tHead.rows[0].cells);
  const body = table.tBodies[0];
  const lines = Array.from(body.rows);

  function sort(key) {
    const down = key.startsWith("-");
    const column = headings.findIndex((h) => h.dataset.key === key.replace(/^-/, ""));
    if (column < 0) return;
    const text = headings[column].dataset.kind === "text";
    const value = (row) => row.cells[column].dataset.v ?? "";
    const order = (a, b) => {
      const x = value(a), y = value(b);
      const gap = (x === "") - (y === ""); // what has no value goes last, both ways
      const d = text ? x.localeCompare(y) : Number(x) - Number(y); // equal ones stay in the order of the trials
      return gap || (down ? -d : d) || Number(a.cells[0].dataset.v) - Number(b.cells[0].dataset.v);
    };
    body.append(...Array.from(body.rows).sort(order));
    headings.forEach((h, i) => h.setAttribute("aria-sort", i === column ? (down ? "descending" : "ascending") : "none"));
  }

  headings.forEach((heading) => {
    const button = heading.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const now = heading.getAttribute("aria-sort");
      const down = now === "ascending" || (now !== "descending" && heading.dataset.first === "down");
      set({ sort: (down ? "-" : "") + heading.dataset.key });
    });
  });

  // Text of a file, to where the browser keeps files.
  function save(name, text) {
    const link = el("a", { download: name });
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function csv() {
    const quote = (x) => (/[",\r\n]/.test(String(x ?? "")) ? `"${String(x).replaceAll('"', '""')}"` : String(x ?? ""));
    const spread = data.columns.filter((c) => data.rows.some((row) => row.i[c.key]));
    const heads = [data.group, ...data.columns.flatMap((c) => (spread.includes(c) ? [c.key, `${c.key}_low`, `${c.key}_high`] : [c.key]))];
    const out = [[...heads, "status", "reason"]];
    for (const line of body.rows) {
      const row = rows.get(line.dataset.row);
      if (!row.shown) continue;
      const cells = data.columns.flatMap((c) => [row.v[c.key], ...(spread.includes(c) ? row.i[c.key] ?? ["", ""] : [])]);
      out.push([data.groups[row.g].name, ...cells, row.state, row.why]);
    }
    return out.map((line) => line.map(quote).join(",") + "\n").join("");
  }

  // A network as its file: that of the group, in which a trial differs by a few lines.
  function toml(row) {
    const whole = data.groups[row.g].toml.slice();
    for (const [at, text] of Object.entries(row.toml)) whole[at] = text;
    return whole.join("\n");
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) { // pages that came by http from elsewhere have no clipboard
      const area = document.body.appendChild(el("textarea"));
      area.value = text;
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  for (const line of lines) {
    const row = rows.get(line.dataset.row);
    const head = line.cells[0];
    const button = el("button", { type: "button", class: "mark", "aria-pressed": "false", "aria-label": `mark ${row.name}` }, ...head.childNodes);
    head.replaceChildren(button);
    if (row.toml) {
      const act = async (event) => {
        event.stopPropagation();
        await copy(toml(row));
        event.target.textContent = "copied";
        setTimeout(() => { event.target.textContent = "TOML"; }, 1500);
      };
      head.append(el("button", { type: "button", class: "copy", "aria-label": `copy ${row.name} as TOML`, click: act }, "TOML"));
    }
    line.addEventListener("click", () => { if (!String(getSelection())) Page.mark(row.id); });
  }

  const field = el("input", { type: "search", id: "find", placeholder: data.example, "aria-label": "rows to show: words, or a number as in C>3",
    input: () => set({ find: field.value }) });
  const count = el("span", { class: "soft", role: "status", id: "count" });
  const clear = el("button", { type: "button", id: "clear", click: () => set({ find: "", keep: {} }) }, "show all");
  const bar = el("div", { class: "bar" }, field, clear, el("button", { type: "button", id: "csv", click: () => save(data.file, csv()) }, "CSV"), count);
  document.querySelector(".trials").before(bar);

  Page.listen(() => {
    if (state.sort) sort(state.sort);
    if (field.value !== state.find) field.value = state.find;
    for (const line of lines) {
      const row = rows.get(line.dataset.row);
      const marked = state.mark === row.id;
      line.hidden = !row.shown;
      line.classList.toggle("marked", marked);
      line.querySelector(".mark").setAttribute("aria-pressed", String(marked));
    }
    const shown = data.rows.filter((row) => row.shown).length;
    const ranges = Object.entries(state.keep).map(([key, r]) => `${Page.columns.get(key).label} from ${Page.number(r[0])} to ${Page.number(r[1])}`);
    count.textContent = [`${shown} of ${data.rows.length} shown`, ...ranges].join("; ");
    clear.hidden = !state.find && !ranges.length;
  });
  Page.csv = csv;
  Page.toml = toml;
})();
