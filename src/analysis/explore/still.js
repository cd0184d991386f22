(function (box) {
  "use strict";
  const states = window.exploreStates;
  const unit = box.querySelector("select.unit");
  const rate = box.querySelector("select.indicator");
  const drawing = box.querySelector("svg");
  const words = box.querySelector(".finding");
  const body = box.querySelector("tbody");
  function show() {
    const [marks, text, rows] = states[unit.value + " " + rate.value];
    drawing.innerHTML = marks;
    drawing.setAttribute("aria-label", unit.selectedOptions[0].textContent);
    words.textContent = text;
    body.replaceChildren();
    rows.forEach((cells) => {
      const row = body.insertRow();
      cells.forEach((text, at) => {
        const cell = row.insertCell();
        cell.textContent = text;
        if (at) cell.className = "number";
      });
    });
    history.replaceState(null, "", "#" + unit.value.replace("/", "-") + "-" + rate.value);
  }
  const [level, code, name] = location.hash.slice(1).split("-");
  unit.addEventListener("change", show);
  rate.addEventListener("change", show);
  if (level + "/" + code + " " + (name || rate.value) in states) {
    unit.value = level + "/" + code;
    if (name) rate.value = name;
    show();
  }
})(document.currentScript.parentElement);
