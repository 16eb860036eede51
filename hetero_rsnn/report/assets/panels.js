// What is seen across parameters: parallel coordinates with a brush on each axis, importances, contours of the model.
(() => {
  const { data, state, el, set, number } = Page;
  const { scale, ticks, canvas, point } = Draw;

  function parallel(figure, spec) {
    let drawn = [], axes = [], restyle = () => {};
    canvas(figure, spec.told, (svg, place) => {
      const width = Math.max(place, 76 * spec.keys.length), height = 320, top = 62, bottom = height - 24;
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.style.minWidth = `${width}px`;
      const keys = spec.keys.filter((key) => data.rows.some((r) => Number.isFinite(r.v[key])));
      axes = keys.map((key, i) => {
        const c = Page.columns.get(key);
        const known = data.rows.map((r) => r.v[key]).filter(Number.isFinite);
        let [low, high] = [c.low ?? Math.min(...known), c.high ?? Math.max(...known)];
        if (!(high > low)) [low, high] = [low - 0.5, low + 0.5];
        return { key, c, px: 46 + (i * (width - 92)) / Math.max(1, keys.length - 1), y: scale(low, high, bottom, top, c.log && low > 0) };
      });
      const lines = svg.appendChild(el("svg:g", { "aria-hidden": "true" }));
      const quality = Page.columns.get(spec.colour);
      const best = data.rows.map((r) => r.v[spec.colour]).filter(Number.isFinite);
      const [worst, top_] = [Math.min(...best), Math.max(...best)];
      const colour = (row) => {
        if (data.groups.length > 1 || !quality || !Number.isFinite(row.v[spec.colour])) return Draw.colour(row.g);
        const share = (100 * (row.v[spec.colour] - worst)) / (top_ - worst || 1);
        return `color-mix(in oklab, var(--high) ${share.toFixed(0)}%, var(--low))`;
      };
      const order = data.rows.slice().sort((a, b) => (a.v[spec.colour] ?? -Infinity) - (b.v[spec.colour] ?? -Infinity));
      drawn = order.map((row) => {
        const points = axes.map((a) => (Number.isFinite(row.v[a.key]) ? [a.px, a.y(row.v[a.key])] : null));
        const d = points.filter(Boolean).map((p, i) => `${i ? "L" : "M"}${p[0]},${p[1]}`).join("");
        const path = lines.appendChild(el("svg:path", { d, class: `run ${row.state}`, style: `--g: ${colour(row)}`, "data-row": row.id }));
        return { row, points: points.filter(Boolean), path };
      });
      const over = svg.appendChild(el("svg:path", { class: "run over", d: "" }));
      for (const a of axes) axis(svg, a, top, bottom);
      restyle = () => {
        for (const d of drawn) {
          d.path.classList.toggle("out", !d.row.shown);
          d.path.classList.toggle("marked", d.row.id === state.mark);
        }
        for (const a of axes) a.show();
      };
      const nearest = (event) => {
        const box = svg.getBoundingClientRect();
        const mx = ((event.clientX - box.left) * width) / box.width, my = ((event.clientY - box.top) * height) / box.height;
        let found = null, least = 9;
        for (const d of drawn) {
          const i = d.points.findIndex((p) => p[0] >= mx);
          if (i < 1 || !d.row.shown) continue;
          const [a, b] = [d.points[i - 1], d.points[i]];
          const far = Math.abs(a[1] + ((b[1] - a[1]) * (mx - a[0])) / (b[0] - a[0]) - my);
          if (far <= least) [found, least] = [d, far];
        }
        return found;
      };
      svg.addEventListener("pointermove", (event) => {
        const found = nearest(event);
        over.setAttribute("d", found ? found.path.getAttribute("d") : "");
        point(found && found.row, event.clientX, event.clientY);
      });
      svg.addEventListener("pointerleave", () => { over.setAttribute("d", ""); point(null); });
      svg.addEventListener("click", (event) => { const found = nearest(event); if (found && !event.target.closest(".brush")) Page.mark(found.row.id); });
      restyle();
    });
    Page.listen(() => restyle());

    // An axis and its brush: drag along it to keep a range, click it to let go.
    function axis(svg, a, top, bottom) {
      const g = svg.appendChild(el("svg:g", { class: "axes" }));
      g.append(el("svg:line", { x1: a.px, x2: a.px, y1: top, y2: bottom, class: "frame" }));
      const words = a.c.short.split(".");
      words.forEach((word, i) => g.append(el("svg:text", { x: a.px, y: top - 22 - 13 * (words.length - 1 - i), "text-anchor": "middle", class: "name" }, word + (i < words.length - 1 ? "." : a.c.unit ? ` (${a.c.unit})` : ""))));
      for (const [at, p] of [[a.y.high, top - 6], [a.y.low, bottom + 15]])
        g.append(el("svg:text", { x: a.px, y: p, "text-anchor": "middle", class: "soft" }, number(at)));
      for (const at of ticks(a.y, 4)) {
        const p = a.y(at);
        if (p > top + 14 && p < bottom - 14) g.append(el("svg:text", { x: a.px - 5, y: p + 4, "text-anchor": "end", class: "soft halo" }, number(at)));
      }
      const kept = g.appendChild(el("svg:rect", { x: a.px - 7, width: 14, y: top, height: 0, class: "kept" }));
      const brush = g.appendChild(el("svg:rect", { x: a.px - 12, width: 24, y: top - 4, height: bottom - top + 8, class: "brush", "data-key": a.key }));
      a.show = () => {
        const range = state.keep[a.key];
        const [y0, y1] = range ? range.map((v) => Math.max(top, Math.min(bottom, a.y(v)))) : [top, top];
        kept.setAttribute("y", y1);
        kept.setAttribute("height", range ? Math.max(2, y0 - y1) : 0);
      };
      let start = null;
      const value = (event) => {
        const box = svg.getBoundingClientRect();
        const p = ((event.clientY - box.top) * svg.viewBox.baseVal.height) / box.height;
        return a.y.invert(Math.max(top, Math.min(bottom, p)));
      };
      brush.addEventListener("pointerdown", (event) => {
        start = { y: event.clientY, value: value(event) };
        try { brush.setPointerCapture(event.pointerId); } catch (error) { /* a pointer that is no more */ }
      });
      brush.addEventListener("pointermove", (event) => {
        if (!start) return;
        event.stopPropagation();
        if (Math.abs(event.clientY - start.y) < 3) return;
        const now = value(event);
        set({ keep: { ...state.keep, [a.key]: [Math.min(now, start.value), Math.max(now, start.value)] } });
      });
      brush.addEventListener("pointerup", (event) => {
        if (start && Math.abs(event.clientY - start.y) < 3) {
          const { [a.key]: gone, ...rest } = state.keep;
          set({ keep: rest });
        }
        start = null;
      });
    }
  }

  function importances(figure, spec) {
    canvas(figure, spec.told, (svg, width) => {
      const step = 24, left = Math.min(150, 0.42 * width), height = step * spec.bars.length + 30;
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      const most = Math.max(...spec.bars.map((b) => b.high ?? b.index), 0.1);
      const x = scale(0, Math.min(1, most), left, width - 40);
      spec.bars.forEach((b, i) => {
        const y = i * step + 4;
        svg.append(el("svg:text", { x: left - 8, y: y + 13, "text-anchor": "end" }, b.name));
        svg.append(el("svg:rect", { x: left, y: y + 2, height: step - 9, width: Math.max(1, x(Math.max(0, b.index)) - left), class: "share" }));
        if (b.low !== null) svg.append(el("svg:line", { x1: x(Math.max(0, b.low)), x2: x(Math.min(b.high, x.high)), y1: y + 9.5, y2: y + 9.5, class: "bar" }));
        svg.append(el("svg:text", { x: x(Math.min(x.high, Math.max(b.index, b.high ?? 0))) + 5, y: y + 13 }, number(b.index)));
      });
      svg.append(el("svg:text", { x: left, y: height - 6, class: "soft" }, "share of the variance of ln E"));
    });
  }

  function contours(figure, spec) {
    let at = 0;
    const draw = (svg, width) => {
      const pair = spec.pairs[at], n = pair.n;
      const height = Math.round(Math.min(420, Math.max(250, 0.8 * width))), frame = [52, 8, width - 12, height - 42];
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      const [cx, cy] = [Page.columns.get(pair.x), Page.columns.get(pair.y)];
      const x = scale(cx.low, cx.high, frame[0], frame[2], cx.log), y = scale(cy.low, cy.high, frame[3], frame[1], cy.log);
      const [low, high] = [Math.min(...pair.values), Math.max(...pair.values)];
      const [w, h] = [(frame[2] - frame[0]) / (n - 1), (frame[3] - frame[1]) / (n - 1)];
      const v = (i, j) => pair.values[j * n + i]; // i along x, j along y
      for (let j = 0; j < n - 1; j++)
        for (let i = 0; i < n - 1; i++) {
          const mean = (v(i, j) + v(i + 1, j) + v(i, j + 1) + v(i + 1, j + 1)) / 4;
          const share = (100 * (mean - low)) / (high - low || 1);
          svg.append(el("svg:rect", { x: frame[0] + i * w, y: frame[3] - (j + 1) * h, width: w + 0.5, height: h + 0.5, style: `fill: color-mix(in oklab, var(--high-area) ${share.toFixed(0)}%, var(--low-area))` }));
        }
      for (let k = 1; k <= 5; k++) level(svg, v, n, low + (k * (high - low)) / 6, frame, w, h);
      Draw.axes(svg, x, y, frame, [cx.label, cy.label]);
      for (const row of data.rows) {
        if (row.g || !Number.isFinite(row.v[pair.x]) || row.state === "failed") continue;
        const dot = svg.appendChild(el("svg:circle", { cx: x(row.v[pair.x]), cy: y(row.v[pair.y]), r: 3.2, class: `trial ${row.state}`, "data-row": row.id }));
        dot.addEventListener("pointermove", (event) => point(row, event.clientX, event.clientY));
        dot.addEventListener("pointerleave", () => point(null));
        dot.addEventListener("click", () => Page.mark(row.id));
      }
      restyle();
    };
    // A line of equal E through the cells, by marching over their edges.
    function level(svg, v, n, value, frame, w, h) {
      const parts = [];
      let label = null;
      for (let j = 0; j < n - 1; j++)
        for (let i = 0; i < n - 1; i++) {
          const corner = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
          const cut = [];
          for (let e = 0; e < 4; e++) {
            const [p, q] = [corner[e], corner[(e + 1) % 4]];
            const [a, b] = [v(...p), v(...q)];
            if (a < value === b < value) continue;
            const t = (value - a) / (b - a);
            cut.push([frame[0] + (p[0] + t * (q[0] - p[0])) * w, frame[3] - (p[1] + t * (q[1] - p[1])) * h]);
          }
          for (let e = 0; e + 1 < cut.length; e += 2) parts.push(`M${cut[e]}L${cut[e + 1]}`);
          if (cut.length && !label && i > 1 && j > 1) label = cut[0];
        }
      svg.append(el("svg:path", { d: parts.join(""), class: "level" }));
      if (label) svg.append(el("svg:text", { x: label[0], y: label[1] + 4, class: "level", "text-anchor": "middle" }, number(value)));
    }
    const restyle = () => {
      for (const dot of figure.querySelectorAll(".trial")) {
        const row = Page.rows.get(dot.dataset.row);
        dot.classList.toggle("out", !row.shown);
        dot.classList.toggle("marked", row.id === state.mark);
      }
    };
    const box = figure.querySelector(".plot");
    const choice = el("select", { "aria-label": "the two parameters", change: () => {
      at = Number(choice.value);
      const svg = box.querySelector("svg");
      svg.setAttribute("aria-label", spec.pairs[at].told);
      svg.replaceChildren();
      draw(svg, box.clientWidth);
    } }, ...spec.pairs.map((p, i) => el("option", { value: i }, `${Page.columns.get(p.x).label} and ${Page.columns.get(p.y).label}`)));
    box.before(choice);
    canvas(figure, spec.pairs[0].told, draw);
    Page.listen(restyle);
  }

  const parts = { parallel, importances, contours };
  for (const [name, draw] of Object.entries(parts)) if (data[name]) draw(document.getElementById(name), data[name]);
  addEventListener("hashchange", Page.read);
  Page.read();
})();
