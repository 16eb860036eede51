// Scatter plots: axes, points that tell what they are, intervals of the one under the pointer, marked ones.
const Draw = (() => {
  const { el, number } = Page;
  const SHAPES = [
    (r) => `M${-r},0A${r},${r} 0 1 1 ${r},0A${r},${r} 0 1 1 ${-r},0Z`,
    (r) => `M0,${-1.3 * r}L${1.3 * r},0L0,${1.3 * r}L${-1.3 * r},0Z`,
    (r) => `M${-r},${-r}H${r}V${r}H${-r}Z`,
    (r) => `M0,${-1.2 * r}L${1.2 * r},${r}H${-1.2 * r}Z`,
    (r) => `M0,${1.2 * r}L${1.2 * r},${-r}H${-1.2 * r}Z`,
    (r) => `M${-r},${-r}L${r},${r}M${-r},${r}L${r},${-r}`,
  ];
  const cross = SHAPES[5];
  const star = (r) => "M" + Array.from({ length: 10 }, (_, i) => [i % 2 ? 0.45 * r : 1.1 * r, (i * Math.PI) / 5]).map(([q, a]) => `${q * Math.sin(a)},${-q * Math.cos(a)}`).join("L") + "Z";
  // Colours by place, but networks that everybody knows keep theirs.
  const colour = (group) => `var(--g${(Page.data.groups[group].look ?? group) % 6})`;
  const shape = (group, r) => SHAPES[group % 5](r);

  // A scale from values to pixels, and back.
  function scale(low, high, from, to, log) {
    const f = log ? Math.log : (x) => x, g = log ? Math.exp : (x) => x;
    const [a, b] = [f(low), f(high)];
    const s = (x) => from + ((f(x) - a) / (b - a || 1)) * (to - from);
    return Object.assign(s, { low, high, log, invert: (p) => g(a + ((p - from) / (to - from)) * (b - a)) });
  }

  function ticks(s, count) {
    if (s.log) {
      const all = [];
      for (let p = Math.floor(Math.log10(s.low)); p <= Math.log10(s.high); p++)
        for (const m of [1, 2, 5]) if (m * 10 ** p >= s.low * 0.999 && m * 10 ** p <= s.high * 1.001) all.push(Number((m * 10 ** p).toPrecision(6)));
      while (all.length > count) all.splice(0, all.length, ...all.filter((_, i) => i % 2 === 0));
      return all.length > 1 ? all : [s.low, s.high];
    }
    const rough = (s.high - s.low) / count || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    let step = [1, 2, 5, 10].find((m) => m * power >= rough) * power;
    if (s.whole) step = Math.max(1, step); // there is no half a seed, nor half a trial
    const all = [];
    for (let i = Math.ceil(s.low / step - 1e-9); i * step <= s.high + 1e-9 * step; i++) all.push(Number((i * step).toPrecision(10)));
    return all;
  }

  // The range of a column over what is drawn. Intervals of few seeds are so wide that they may run out of the picture.
  function range(key, values, wide, log) {
    const known = values.filter(Number.isFinite);
    if (!known.length) return [0, 1];
    let [low, high] = [Math.min(...known), Math.max(...known)];
    // So little that luck fills the picture is not shown larger.
    const { span: least = 0, most = Infinity } = Page.columns.get(key) ?? {};
    if (high - low < least) [low, high] = [(low + high - least) / 2, (low + high + least) / 2];
    const span = high - low || Math.abs(high) || 1;
    for (const w of wide.flat().filter(Number.isFinite)) {
      low = Math.max(Math.min(low, w), low - 0.4 * span);
      high = Math.min(Math.max(high, w), high + 0.4 * span);
    }
    if (log) return [low / (high / low || 2) ** 0.04, high * (high / low || 2) ** 0.04];
    const pad = 0.05 * (high - low || span);
    if (key === Page.data.number) return [low - pad, high + pad];
    return [low >= 0 && (Page.columns.get(key)?.zero || low < pad) ? 0 : low - pad, Math.min(high + pad, Math.max(most, ...known))];
  }

  // Both axes with their ticks and names.
  function axes(svg, x, y, [left, top, right, bottom], names) {
    const g = svg.appendChild(el("svg:g", { class: "axes", "aria-hidden": "true" }));
    for (const at of ticks(x, Math.max(3, (right - left) / 70))) {
      const p = x(at);
      g.append(el("svg:line", { x1: p, x2: p, y1: top, y2: bottom, class: "grid" }), el("svg:text", { x: p, y: bottom + 16, "text-anchor": "middle" }, number(at)));
    }
    for (const at of ticks(y, 5)) {
      const p = y(at);
      g.append(el("svg:line", { x1: left, x2: right, y1: p, y2: p, class: "grid" }), el("svg:text", { x: left - 6, y: p + 4, "text-anchor": "end" }, number(at)));
    }
    g.append(el("svg:path", { d: `M${left},${top}V${bottom}H${right}`, class: "frame" }));
    g.append(el("svg:text", { x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle", class: "name" }, names[0]));
    g.append(el("svg:text", { transform: `translate(13,${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle", class: "name" }, names[1]));
  }

  // An empty picture as wide as its place; it is drawn again where that changes, and for paper, where text would shrink.
  function canvas(figure, told, draw) {
    const place = figure.querySelector(".plot");
    let width = 0;
    const again = () => { if (place.clientWidth !== width && place.clientWidth) render(place.clientWidth); };
    const render = (wide) => {
      width = wide;
      const svg = el("svg:svg", { role: "img", "aria-label": told, tabindex: "0" });
      place.replaceChildren(svg);
      draw(svg, width);
    };
    new ResizeObserver(again).observe(place);
    addEventListener("beforeprint", () => render(figure.classList.contains("wide") ? 1000 : 320));
    addEventListener("afterprint", again);
    again();
    return again;
  }

  // The lines that say all about a row, beside the pointer.
  const tip = document.body.appendChild(el("div", { id: "tip", role: "status", hidden: "" }));
  function point(row, x, y) {
    tip.hidden = !row;
    if (!row) return;
    const [name, ...lines] = typeof row === "string" ? row.split("\n") : Page.describe(row);
    tip.replaceChildren(el("b", {}, name), ...lines.map((text) => el("div", {}, text)));
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 4))}px`;
    tip.style.top = `${y + 14 + box.height > innerHeight ? Math.max(4, y - box.height - 10) : y + 14}px`;
  }
  addEventListener("scroll", () => point(null), { passive: true });

  return { shape, colour, cross, star, scale, ticks, range, axes, canvas, point };
})();

(() => {
  const { data, state, el } = Page;
  const { shape, colour, cross, star, scale, range, axes, canvas, point } = Draw;

  function plot(figure, spec) {
    const groups = data.groups.length;
    const short = (key) => Page.columns.get(key)?.axis ?? Page.columns.get(key)?.label ?? key;
    const look = (g) => (g === null ? "--g: var(--soft)" : `--g: ${colour(g)}`);
    const dashes = (g) => ["", "6 4", "8 3 2 3", "2 3", "10 3", "4 2"][g % 6];
    let drawn = [], means = [];
    let over = null;

    canvas(figure, spec.told, (svg, width) => {
      const height = Math.round(Math.min(420, Math.max(250, 0.72 * width)));
      const frame = [52, 8, width - 10, height - 42];
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      const rows = data.rows.filter((r) => Number.isFinite(r.v[spec.x]) && (Number.isFinite(r.v[spec.y]) || spec.floor));
      const flat = (key) => [...rows.map((r) => r.v[key]), ...spec.marks.map((m) => m[key === spec.x ? "x" : "y"]),
        ...spec.guides.filter((g) => g.axis === (key === spec.x ? "x" : "y")).map((g) => g.at),
        ...spec.lines.flatMap((l) => l.points.map((p) => p[key === spec.x ? 0 : 1]))].filter((v) => v !== null);
      const logs = { x: spec.log === true && flat(spec.x).every((v) => v > 0), y: false };
      const x = scale(...range(spec.x, flat(spec.x), spec.marks.map((m) => m.xi || []), logs.x), frame[0], frame[2], logs.x);
      const y = scale(...range(spec.y, flat(spec.y), spec.marks.map((m) => m.yi || []), false), frame[3], frame[1], false);
      // What has the same place in several groups stands beside each other.
      const across = (g, v) => x(v) + (spec.aside && g !== null ? 4 * (g - (groups - 1) / 2) : 0);
      x.whole = spec.x === data.number;
      axes(svg, x, y, frame, [short(spec.x), short(spec.y)]);
      const cut = el("svg:g", { "aria-hidden": "true" });
      svg.append(cut);
      for (const g of spec.guides) {
        const upright = g.axis === "x";
        const p = upright ? x(g.at) : y(g.at);
        cut.append(el("svg:line", upright ? { x1: p, x2: p, y1: frame[1], y2: frame[3], class: "guide" } : { x1: frame[0], x2: frame[2], y1: p, y2: p, class: "guide" }));
        cut.append(el("svg:text", upright ? { transform: `translate(${p - 4},${frame[3] - 14}) rotate(-90)`, class: "soft halo" } : { x: frame[2], y: p - 4, "text-anchor": "end", class: "soft halo" }, g.text));
      }
      for (const line of spec.lines)
        cut.append(el("svg:path", { d: line.points.map((p, i) => `${i ? "L" : "M"}${across(line.g, p[0])},${y(p[1])}`).join(""), class: "line", style: look(line.g), "stroke-dasharray": dashes(line.g) }));
      drawn = rows.map((row) => {
        const lost = !Number.isFinite(row.v[spec.y]);
        const [px, py] = [across(row.g, row.v[spec.x]), lost ? frame[3] - 5 : y(row.v[spec.y])];
        if (spec.stems && !lost) cut.append(el("svg:line", { x1: px, x2: px, y1: frame[3], y2: py, class: "stem", style: look(row.g) }));
        const dot = el("svg:path", { d: lost ? cross(3.5) : shape(row.g, row.state === "infeasible" ? 3.2 : 3.6), transform: `translate(${px},${py})`, class: `dot ${lost ? "failed" : row.state}`, style: look(row.g), "data-row": row.id });
        cut.append(dot);
        return { row, px, py, dot };
      });
      means = spec.marks.map((m) => mark(cut, x, y, m, across(m.g, m.x)));
      const focus = svg.appendChild(el("svg:g", { "aria-hidden": "true", class: "focus" }));
      // The point that is looked at, with a ring and its intervals.
      over = (found) => {
        focus.replaceChildren();
        const chosen = drawn.find((d) => d.row.id === state.mark);
        for (const [d, kind] of [[chosen, "chosen"], [found, "ring"]]) {
          if (!d) continue;
          const [xi, yi] = d.row ? [d.row.i[spec.x], d.row.i[spec.y]] : [];
          if (xi) focus.append(el("svg:line", { x1: x(Math.max(xi[0], x.low)), x2: x(Math.min(xi[1], x.high)), y1: d.py, y2: d.py, class: "bar" }));
          if (yi) focus.append(el("svg:line", { y1: y(Math.max(yi[0], y.low)), y2: y(Math.min(yi[1], y.high)), x1: d.px, x2: d.px, class: "bar" }));
          focus.append(el("svg:circle", { cx: d.px, cy: d.py, r: 8, class: kind }));
        }
      };
      interact(svg, width);
      restyle();
    });

    function mark(cut, x, y, m, px) {
      const py = y(m.y);
      const inside = (s, v) => s(Math.max(s.low, Math.min(s.high, v)));
      const g = el("svg:g", { style: look(m.g), class: "best", "data-mark": m.name });
      if (m.xi) g.append(el("svg:line", { x1: inside(x, m.xi[0]), x2: inside(x, m.xi[1]), y1: py, y2: py }));
      if (m.yi) g.append(el("svg:line", { x1: px, x2: px, y1: inside(y, m.yi[0]), y2: inside(y, m.yi[1]) }));
      g.append(el("svg:path", { d: m.g === null ? star(8) : shape(m.g, 6.5), transform: `translate(${px},${py})` }));
      g.addEventListener("pointermove", (event) => { event.stopPropagation(); over(null); point(m.text, event.clientX, event.clientY); });
      if (m.row) g.addEventListener("click", (event) => { event.stopPropagation(); Page.mark(m.row); });
      cut.append(g);
      return { px, py, text: m.text, id: m.row };
    }

    function restyle() {
      for (const d of drawn) {
        d.dot.classList.toggle("out", !d.row.shown);
        d.dot.classList.toggle("marked", d.row.id === state.mark);
      }
      if (over) over(null);
    }
    Page.listen(restyle);

    // Pointer and keyboard: the nearest point tells what it is; a click, or Enter, marks it.
    function interact(svg, width) {
      let at = -1;
      const local = (event) => {
        const box = svg.getBoundingClientRect();
        return [(event.clientX - box.left) * (width / box.width), (event.clientY - box.top) * (width / box.width)];
      };
      const nearest = (event) => {
        const [mx, my] = local(event);
        let best = null, least = 22 ** 2;
        for (const d of drawn) {
          const far = (d.px - mx) ** 2 + (d.py - my) ** 2;
          if (d.row.shown && far < least) [best, least] = [d, far];
        }
        return best;
      };
      svg.addEventListener("pointermove", (event) => {
        const found = nearest(event);
        over(found);
        point(found && found.row, event.clientX, event.clientY);
        svg.style.cursor = found ? "pointer" : "";
      });
      svg.addEventListener("pointerleave", () => { over(null); point(null); });
      svg.addEventListener("click", (event) => { const found = nearest(event); if (found) Page.mark(found.row.id); });
      svg.addEventListener("blur", () => { over(null); point(null); });
      svg.addEventListener("keydown", (event) => {
        const order = [...drawn.filter((d) => d.row.shown).sort((a, b) => a.px - b.px), ...means]; // points, then means
        const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
        if (event.key === "Escape") { over(null); point(null); return; }
        if ((event.key === "Enter" || event.key === " ") && order[at]) {
          const id = order[at].row?.id ?? order[at].id;
          if (id) Page.mark(id);
        } else if (step && order.length) at = at < 0 ? (step > 0 ? 0 : order.length - 1) : (at + step + order.length) % order.length;
        else return;
        event.preventDefault();
        const box = svg.getBoundingClientRect();
        over(order[at]);
        point(order[at].row ?? order[at].text, box.left + order[at].px * (box.width / width), box.top + order[at].py * (box.width / width));
      });
    }
  }

  // What colours and shapes stand for.
  for (const key of document.querySelectorAll("svg.key")) {
    const g = key.dataset.g;
    key.setAttribute("viewBox", "-10 -8 20 16");
    key.append(el("svg:path", { d: g === "" ? star(7) : shape(Number(g), 6), style: `fill: ${g === "" ? "var(--soft)" : colour(g)}` }));
  }
  data.plots.forEach((spec, i) => plot(document.getElementById(`plot-${i}`), spec));

  // A picture over the whole width, and back.
  for (const figure of document.querySelectorAll("figure[data-plot]")) {
    const larger = el("button", { type: "button", class: "larger", "aria-pressed": "false", "aria-label": "larger", click: () => {
      larger.setAttribute("aria-pressed", String(figure.classList.toggle("wide")));
    } }, "⤢");
    figure.append(larger);
  }
})();
