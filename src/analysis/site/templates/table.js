// Sorting and filtering of the table of provinces. No library, no network.
(function () {
  "use strict";
  const table = document.getElementById("table-provinces");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const text = document.getElementById("filter-text");
  const selects = Array.from(document.querySelectorAll("select[data-column]"));
  const shown = document.getElementById("shown");
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });

  // Letters without their marks, so that "ben tre" finds "Bến Tre".
  function plain(value) {
    return value.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d");
  }

  function key(row, column) {
    const cell = row.cells[column];
    const value = cell.dataset.value;
    return value === undefined ? cell.textContent : value === "" ? null : Number(value);
  }

  // Missing values stay last in both directions.
  function compare(a, b, column, direction) {
    const x = key(a, column), y = key(b, column);
    if (x === null || y === null) return (x === null) - (y === null);
    return direction * (typeof x === "number" ? x - y : collator.compare(x, y));
  }

  function sort(column) {
    const head = heads[column];
    const before = head.getAttribute("aria-sort");
    // Numbers are asked for from the top first; names from the letter A.
    const first = rows[0].cells[column].dataset.value === undefined ? 1 : -1;
    const direction = before === null ? first : before === "ascending" ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    rows.sort((a, b) => compare(a, b, column, direction));
    body.append(...rows);
  }

  function filter() {
    const wanted = plain(text.value.trim());
    const named = window.pagesNamed(text.value);
    let count = 0;
    rows.forEach((row) => {
      const fits = selects.every((s) => !s.value || row.dataset[s.dataset.column] === s.value);
      const words = plain(row.cells[0].textContent + " " + (row.dataset.also || ""));
      const link = row.cells[0].querySelector("a");
      const hit = fits && (words.includes(wanted) || (link && named.has(link.getAttribute("href"))));
      row.hidden = !hit;
      count += hit ? 1 : 0;
    });
    shown.textContent = shown.dataset.template.replace("{n}", count);
  }

  // The address says what is chosen, so that a link leads to the same rows.
  function remember() {
    const parts = selects.filter((s) => s.value).map((s) => s.dataset.column + "=" + s.value);
    if (text.value.trim()) parts.push("text=" + encodeURIComponent(text.value.trim()));
    history.replaceState(null, "", "#provinces?" + parts.join("&"));
  }

  function recall() {
    const [place, chosen] = location.hash.split("?");
    if (place !== "#provinces" || !chosen) return;
    const wanted = new URLSearchParams(chosen);
    text.value = wanted.get("text") || "";
    selects.forEach((s) => {
      const value = wanted.get(s.dataset.column);
      if (Array.from(s.options).some((one) => one.value === value)) s.value = value;
    });
    document.getElementById("provinces").scrollIntoView();
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
  document.getElementById("filters").hidden = false;
  document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
  text.addEventListener("input", () => { filter(); remember(); });
  selects.forEach((select) => select.addEventListener("change", () => { filter(); remember(); }));
  recall();
  filter();
})();
