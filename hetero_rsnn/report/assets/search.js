"use strict";
// Sorts the table of trials: by a click on a heading, or by the address: #sort=E upwards, #sort=-E downwards.
(function () {
  const table = document.querySelector(".trials table");
  if (!table) return;
  const headings = Array.from(table.tHead.rows[0].cells);
  const body = table.tBodies[0];

  function sort(column, down) {
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

  function read() {
    let wanted;
    try {
      wanted = decodeURIComponent(location.hash).match(/^#sort=(-?)(.+)$/);
    } catch (error) {
      return; // not an address that this page wrote
    }
    const column = wanted ? headings.findIndex((h) => h.dataset.key === wanted[2]) : -1;
    if (column >= 0) sort(column, wanted[1] === "-");
  }

  headings.forEach((heading, column) => {
    const button = heading.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const now = heading.getAttribute("aria-sort");
      const down = now === "ascending" || (now !== "descending" && heading.dataset.first === "down");
      sort(column, down);
      try {
        history.replaceState(null, "", "#sort=" + (down ? "-" : "") + encodeURIComponent(heading.dataset.key));
      } catch (error) {
        // some places that show a page do not let it change its address
      }
    });
  });
  window.addEventListener("hashchange", read);
  read();
})();
