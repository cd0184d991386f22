(function (box) {
  "use strict";
  const states = window.exploreStates;
  const choose = box.querySelector("select");
  const drawing = box.querySelector("svg");
  const words = box.querySelector(".words");
  function show() {
    const [marks, text] = states[choose.value];
    drawing.innerHTML = marks;
    drawing.setAttribute("aria-label", choose.selectedOptions[0].textContent);
    words.innerHTML = text;
    history.replaceState(null, "", "#" + choose.value.replace("/", "-"));
  }
  const wanted = location.hash.slice(1).replace("-", "/");
  choose.addEventListener("change", show);
  if (wanted in states) {
    choose.value = wanted;
    show();
  }
})(document.currentScript.parentElement);
