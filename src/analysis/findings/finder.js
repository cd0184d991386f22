(function (box) {
  "use strict";
  const data = window.readingsFound;
  const unit = box.querySelector("select.unit");
  const indicator = box.querySelector("select.indicator");
  const body = box.querySelector("tbody");
  const count = box.querySelector(".count");

  function cell(row, content) {
    row.insertCell().append(...content);
  }

  function links(places) {
    return places.flatMap((place, at) => {
      const [label, address] = data.sources[place];
      const link = document.createElement(address ? "a" : "span");
      if (address) link.href = address;
      link.textContent = label;
      return at ? [", ", link] : [link];
    });
  }

  function show() {
    const rows = data.rows[unit.value].filter(
      (row) => indicator.value === "" || row[1] === Number(indicator.value)
    );
    body.replaceChildren();
    rows.forEach(([day, what, basis, value, interval, how, sources]) => {
      const row = body.insertRow();
      [day, data.words[what], data.words[basis], value, interval, data.words[how]].forEach(
        (text) => cell(row, [text])
      );
      cell(row, links(sources));
    });
    count.textContent = count.dataset.template.replace("{n}", rows.length);
  }

  unit.addEventListener("change", show);
  indicator.addEventListener("change", show);
  show();
})(document.currentScript.parentElement);
