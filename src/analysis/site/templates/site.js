// Search by name over all pages, and the line on outcomes after the due date. No library, no network.
(function () {
  "use strict";
  const form = document.querySelector("form.find");
  const box = document.getElementById("find");
  const list = document.getElementById("found");
  const MOST = 12;

  // Letters without their marks, so that "ben tre" finds "Bến Tre".
  function plain(value) {
    return value.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d");
  }

  // The rule of analysis.country.names: "TP.HCM" and "BR-VT" are found too. The patterns are its own.
  const around = (window.NAMES || []).map((pattern) => new RegExp(pattern, "g"));

  function keyOf(value) {
    const letters = plain(value).replace(/[^a-z0-9]+/g, " ");
    return around.reduce((text, pattern) => (
      text.trim().replace(pattern, " ").replace(/ +/g, " ")
    ), letters).replaceAll(" ", "");
  }

  window.keyOfName = keyOf;
  const index = (window.SEARCH || []).map(([name, note, file, keys]) => (
    { name, note, file, keys, key: plain(name), more: plain(note) }
  ));

  // The pages of units that have a spelling which begins so.
  window.pagesNamed = (value) => {
    const wanted = keyOf(value);
    const found = index.filter((one) => wanted && one.keys.some((key) => key.startsWith(wanted)));
    return new Set(found.map((one) => one.file));
  };
  let at = -1;

  function hits(value) {
    const wanted = plain(value), key = keyOf(value);
    const ways = [
      (one) => one.key.startsWith(wanted),
      (one) => key && one.keys.includes(key),
      (one) => one.key.includes(wanted),
      (one) => key && one.keys.some((word) => word.startsWith(key)),
      (one) => one.more.includes(wanted),
    ];
    return [...new Set(ways.flatMap((way) => index.filter(way)))].slice(0, MOST);
  }

  function show() {
    const wanted = box.value.trim();
    const found = wanted ? hits(wanted) : [];
    at = -1;
    list.replaceChildren(...found.map((one, place) => {
      const item = document.createElement("li");
      item.id = "found-" + place;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.file = one.file;
      item.append(one.name);
      if (one.note) {
        const note = document.createElement("small");
        note.append(" " + one.note);
        item.append(note);
      }
      item.addEventListener("mousedown", () => { location.href = one.file; });
      return item;
    }));
    list.hidden = !found.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
  }

  function mark(place) {
    const items = Array.from(list.children);
    if (!items.length) return;
    at = (place + items.length) % items.length;
    items.forEach((item, one) => item.setAttribute("aria-selected", String(one === at)));
    box.setAttribute("aria-activedescendant", items[at].id);
  }

  if (form && index.length) {
    form.hidden = false;
    box.addEventListener("input", show);
    box.addEventListener("blur", () => { list.hidden = true; box.setAttribute("aria-expanded", "false"); });
    box.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") { event.preventDefault(); mark(at + 1); }
      if (event.key === "ArrowUp") { event.preventDefault(); mark(at - 1); }
      if (event.key === "Escape") { list.hidden = true; box.setAttribute("aria-expanded", "false"); }
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = list.children[Math.max(at, 0)];
      if (chosen) location.href = chosen.dataset.file;
    });
  }

  // The report does not know when it is read; a reader's clock does.
  document.querySelectorAll("[data-after]").forEach((line) => {
    line.hidden = new Date().toISOString().slice(0, 10) <= line.dataset.after;
  });
})();
