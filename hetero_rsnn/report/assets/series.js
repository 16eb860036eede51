// A stretch of a series with what was foretold: the pointer, or the arrows, read all lines at one place.
(() => {
  const { data, rows, state, el, number } = Page;
  const { scale, range, axes, canvas, point } = Draw;

  function series(figure, spec) {
    const look = (line) => (line.row ? `--g: ${Draw.colour(line.g)}` : "--g: var(--soft)");
    const dashes = ["", "6 4", "8 3 2 3", "2 3", "10 3", "4 2"];
    let drawn = [];
    canvas(figure, spec.told, (svg, width) => {
      const height = Math.round(Math.min(360, Math.max(240, 0.3 * width)));
      const frame = [56, 8, width - 10, height - 42];
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      const steps = spec.at.length;
      const x = scale(spec.at[0], spec.at[steps - 1], frame[0], frame[2], false);
      const y = scale(...range(spec.y, spec.lines.flatMap((l) => l.values), [], false), frame[3], frame[1], false);
      axes(svg, x, y, frame, [spec.x, spec.y]);
      const cut = svg.appendChild(el("svg:g", { "aria-hidden": "true" }));
      drawn = spec.lines.map((line) => {
        const d = line.values.map((v, i) => `${i ? "L" : "M"}${x(spec.at[i]).toFixed(1)},${y(v).toFixed(1)}`).join("");
        const path = el("svg:path", { d, class: line.row ? "line" : "line truth", style: look(line), "stroke-dasharray": line.row ? dashes[line.g % 6] : "" });
        cut.append(path);
        return { line, path };
      });
      const cursor = svg.appendChild(el("svg:g", { "aria-hidden": "true", class: "focus" }));
      let at = -1;
      const read = (i, left, top) => {
        at = i;
        cursor.replaceChildren(el("svg:line", { x1: x(spec.at[i]), x2: x(spec.at[i]), y1: frame[1], y2: frame[3], class: "bar" }));
        for (const { line } of drawn) cursor.append(el("svg:circle", { cx: x(spec.at[i]), cy: y(line.values[i]), r: 3.5, class: "ring" }));
        point([`${spec.x}: ${spec.at[i]}`, ...drawn.map(({ line }) => `${line.name}: ${number(line.values[i], 4)}`)].join("\n"), left, top);
      };
      const leave = () => { at = -1; cursor.replaceChildren(); point(null); };
      const place = (event) => {
        const box = svg.getBoundingClientRect();
        const share = ((event.clientX - box.left) * (width / box.width) - frame[0]) / (frame[2] - frame[0]);
        return Math.max(0, Math.min(steps - 1, Math.round(share * (steps - 1))));
      };
      svg.addEventListener("pointermove", (event) => read(place(event), event.clientX, event.clientY));
      svg.addEventListener("pointerleave", leave);
      svg.addEventListener("blur", leave);
      // A click marks the seed whose forecast is nearest.
      svg.addEventListener("click", (event) => {
        const box = svg.getBoundingClientRect();
        const my = (event.clientY - box.top) * (width / box.width), i = place(event);
        const far = ({ line }) => Math.abs(y(line.values[i]) - my);
        const own = drawn.filter(({ line }) => rows.has(line.row)).sort((a, b) => far(a) - far(b));
        if (own.length && far(own[0]) < 22) Page.mark(own[0].line.row);
      });
      svg.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
        if (event.key === "Escape") return leave();
        if (!step) return;
        event.preventDefault();
        const next = Math.max(0, Math.min(steps - 1, at < 0 ? (step > 0 ? 0 : steps - 1) : at + step));
        const box = svg.getBoundingClientRect();
        read(next, box.left + x(spec.at[next]) * (box.width / width), box.top + frame[1]);
      });
      restyle();
    });

    function restyle() {
      for (const { line, path } of drawn) {
        const row = rows.get(line.row);
        path.classList.toggle("out", Boolean(row) && !row.shown);
        path.classList.toggle("marked", Boolean(row) && row.id === state.mark);
      }
    }
    Page.listen(restyle);
  }

  if (data.series) series(document.getElementById("series"), data.series);

  // Cells that tell more under the pointer.
  for (const cell of document.querySelectorAll("[data-tip]")) {
    cell.addEventListener("pointermove", (event) => point(cell.dataset.tip, event.clientX, event.clientY));
    cell.addEventListener("pointerleave", () => point(null));
  }
})();
