/* The explorer on a page: what the kernel computes in JupyterLab, computed here in the browser.

   The page carries the forecast of every unit and rate as quantiles of the reported value before
   the pull of its target (`analysis.explore.shipped`); this file raises them by what a reader asks,
   lets the target pull, and says and draws the result. It needs nothing else, and runs from a file.
   Values are percent, chances are shares from 0 to 1. */
var Explorer = (function () {
  "use strict";

  // ---- The forecast moved by hand: `analysis.scenarios.outcome.by_hand` ----------------------

  const NAMES = ["q05", "q10", "q50", "q90", "q95"];
  const LEVELS = [0.05, 0.1, 0.5, 0.9, 0.95];

  /* Whole numbers of parts of a point, the first and then the differences, as percent. */
  function summed(steps, parts) {
    let total = 0;
    return steps.map((step) => (total += step) / parts);
  }

  /* The forecast without levers. */
  function forecastOf(state) {
    const found = {};
    NAMES.forEach((name, at) => (found[name] = state.u[at]));
    found.probability = state.u[5];
    return found;
  }

  /* The draws of a state at which a target pulls: the first, then the steps between them as signs. */
  function drawn(data, [first, signs]) {
    const most = data.signs.length - 1;
    const found = [first];
    let step = 0;
    for (const sign of signs) {
      const at = data.signs.indexOf(sign);
      step += at;
      if (at === most) continue;
      found.push(found[found.length - 1] + step);
      step = 0;
    }
    return found.map((value) => value / data.parts[1]);
  }

  /* What does not change while a slider moves, by state. */
  const AT_REST = new WeakMap();

  /* What is expected with so many more people a month, and a share of all others joining. */
  function byHand(data, rate, unit, persons, joining) {
    const state = data.states[rate][unit];
    const usual = forecastOf(state);
    if (!(persons > 0 || joining > 0)) return usual;
    const pull = data.pulls[rate][unit.startsWith("country/") ? "country" : "provinces"];
    const of = (values) =>
      state.o ? weighted(values, state, pull) : spread(values, data.levels, state.t);
    if (!AT_REST.has(state)) {
      const values = state.o ? drawn(data, state.z) : summed(state.z, data.parts[0]);
      AT_REST.set(state, { plain: values, rest: of(values) });
    }
    const { plain, rest } = AT_REST.get(state);
    const more = (100 * persons * data.months) / state.n;
    const raised = plain.map((value) => {
      const reached = Math.min(value + more, 100);
      return reached + joining * (100 - reached);
    });
    const moved = of(raised);
    const found = {};
    NAMES.forEach((name, at) => {
      found[name] = clip(usual[name] + moved.spread[at] - rest.spread[at], 100);
    });
    found.probability =
      usual.probability === null
        ? null
        : clip(usual.probability + moved.probability - rest.probability, 1);
    return found;
  }

  function clip(value, most) {
    return Math.min(Math.max(value, 0), most);
  }

  /* Quantiles, and the chance of a target, where nothing pulls. `levels` lie below `values`. */
  function spread(values, levels, target) {
    const found = LEVELS.map((level) => between(level, levels, values));
    const met = target === null ? null : 1 - between(target, values, levels, 0, 1);
    return { spread: found, probability: met };
  }

  /* The same of rising draws under the pull of equally likely goals. */
  function weighted(draws, state, pull) {
    const n = draws.length;
    const weight = new Float64Array(n);
    const over = state.t === null ? null : sharesOver(draws, state.t);
    const times = new Map();
    state.o.forEach((goal) => times.set(goal, (times.get(goal) || 0) + 1));
    let met = 0;
    times.forEach((count, goal) => {
      const share = count / state.o.length;
      const above = sharesOver(draws, goal);
      const [high, low] = pulledTo(goal, draws, above, pull);
      for (let i = 0; i < n; i++) {
        weight[i] += share * (high[i] + low[i]);
        if (goal === state.t) met += share * high[i];
        else if (over) met += share * (high[i] + low[i]) * over[i];
      }
    });
    const below = new Float64Array(n);
    let total = 0;
    for (let i = 0; i < n; i++) {
      below[i] = total + weight[i] / 2;
      total += weight[i];
    }
    const found = LEVELS.map((level) => between(level * total, below, draws));
    return { spread: found, probability: over ? met / total : null };
  }

  /* The share at or above an edge of what each draw stands for: the values halfway to the next. */
  function sharesOver(draws, edge) {
    const last = draws.length - 1;
    return draws.map((value, i) => {
      const lower = i ? (draws[i - 1] + value) / 2 : value;
      const upper = i < last ? (value + draws[i + 1]) / 2 : value;
      return Math.min(Math.max((upper - edge) / Math.max(upper - lower, 1e-12), 0), 1);
    });
  }

  /* What lies over a goal and under it, as it pulls: `analysis.forecast.pull.Pull.split`. */
  function pulledTo(goal, draws, above, pull) {
    const n = draws.length;
    const over = above.map((share) => share / n);
    const first = above.findIndex((share) => share > 0);
    const from = first < 0 ? n : first;
    let whole = 0;
    for (let i = from; i < n; i++) whole += over[i];
    const high = new Float64Array(n);
    const near = new Float64Array(n);
    let least = 0;
    pull.forEach(([width, shorts, heaps, likely]) => {
      let heaped = 0;
      for (let i = from; i < n; i++) {
        near[i] = Math.exp(-Math.max(draws[i] - goal, 0) / width);
        heaped += over[i] * near[i];
      }
      let every = 0;
      let heap = 0;
      for (let k = 0; k < likely.length; k++) {
        const each = likely[k] / (shorts[k] * (1 - whole) + whole + heaps[k] * heaped);
        every += each;
        heap += each * heaps[k];
        least += each * shorts[k];
      }
      for (let i = from; i < n; i++) high[i] += over[i] * (every + heap * near[i]);
    });
    return [high, over.map((part) => least * (1 / n - part))];
  }

  /* `out` where `into` reaches a value, straight between its points; beyond them the ends, or
     `under` and `over`. */
  function between(wanted, into, out, under, over) {
    let low = 0;
    let high = into.length - 1;
    if (wanted < into[0]) return under === undefined ? out[0] : under;
    if (wanted > into[high]) return over === undefined ? out[high] : over;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (into[middle] < wanted) low = middle;
      else high = middle;
    }
    const step = into[high] - into[low];
    return step > 0 ? out[low] + ((wanted - into[low]) / step) * (out[high] - out[low]) : out[low];
  }

  // ---- Numbers and sentences: `analysis.report.wording` --------------------------------------

  /* Round to digits; of two that are equally near the even one, as the rest of the project does. */
  function roundTo(value, digits) {
    const factor = Math.pow(10, digits);
    const tie = Number.isInteger(value * Math.pow(2, digits + 1)) && Math.abs((value * factor) % 1) === 0.5;
    if (!tie) return Number(value.toFixed(digits));
    return (2 * Math.round((value * factor) / 2)) / factor;
  }

  function number(data, value, digits) {
    const rounded = roundTo(value, digits);
    const [whole, part] = Math.abs(rounded).toFixed(digits).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, data.marks.group);
    const sign = rounded < 0 ? "−" : "";
    return sign + (part ? grouped + data.marks.decimal + part : grouped);
  }

  function percent(data, value, digits) {
    return number(data, value, digits) + "%";
  }

  const WRITERS = {
    percent: percent,
    goal: (data, value) => {
      const share = roundTo(value, 2);
      return percent(data, share, [0, 1, 2].find((digits) => roundTo(share, digits) === share));
    },
    share: (data, value, digits) => percent(data, 100 * value, digits),
    probability: (data, value) => {
      if (value < 0.01) return data.marks.below.replace("{}", percent(data, 1, 0));
      if (value > 0.99) return data.marks.above.replace("{}", percent(data, 99, 0));
      return percent(data, 100 * value, 0);
    },
    rounded: (data, value) => {
      if (value === 0) return "0";
      const step = Math.pow(10, Math.max(0, Math.floor(Math.log10(Math.abs(value))) - 1));
      return number(data, roundTo(value / step, 0) * step, 0);
    },
    integer: (data, value) => number(data, value, 0),
    unit_label: (data, value) => data.units[value],
    indicator: (data, value) => data.rates[value].label,
    indicator_inline: (data, value) => data.rates[value].inline,
    date: (data, value) => data.dates[value][0],
    short_date: (data, value) => data.dates[value][1],
    phrase: (data, value) => say(data, value, {}),
    text: (data, value) => String(value),
  };

  function write(data, value, type, digits) {
    if (value === null || value === "" || value !== value) return "–";
    return WRITERS[type](data, value, Number(digits || 0));
  }

  function say(data, key, values) {
    return data.phrases[key].replace(/\{(\w+):([a-z_]+)(\d?)\}/g, (_, name, type, digits) =>
      write(data, values[name], type, digits)
    );
  }

  function verdict(data, probability) {
    const printed = roundTo(100 * probability, 0);
    return data.verdicts.find(([, lowest, highest]) => lowest <= printed && printed <= highest)[0];
  }

  /* What a choice gives: `analysis.explore.session.View`. */
  function view(data, choice) {
    const state = data.states[choice.rate][choice.unit];
    const supported = data.rates[choice.rate].supportable;
    const joining = supported ? choice.support * choice.response : 0;
    const shown = { choice: choice, state: state, plain: forecastOf(state), joining: joining };
    const course = choice.course ? state.c[choice.course] : 0;
    shown.course = course ? choice.course : 0;
    if (course) shown.moved = Object.assign({}, shown.plain, { q10: course[1], q50: course[2], q90: course[3], probability: course[4] });
    else if (choice.course === null) shown.moved = byHand(data, choice.rate, choice.unit, choice.persons, joining);
    else shown.moved = shown.plain;
    shown.moves = Boolean(course) || (choice.course === null && (choice.persons > 0 || joining > 0));
    return shown;
  }

  /* The sentences of `analysis.explore.panel.sentences`. */
  function sentences(data, shown) {
    const state = shown.state;
    const choice = shown.choice;
    const values = Object.assign(
      { unit: choice.unit, indicator: choice.rate, origin: data.origin, due: data.due, even: state.e, good: state.g },
      { persons_month: choice.persons, support: choice.support, response: choice.response },
      shown.plain
    );
    const said = [say(data, "explore.forecast", values)];
    if (state.t === null) said.push(say(data, "explore.no_target", {}));
    else if (!state.r) said.push(say(data, "explore.unsure", {}));
    else {
      const whose = state.s === "nationwide" ? "yardstick" : "own";
      const aimed = { target: state.t, setter: "setter." + state.s };
      aimed.verdict = "verdict." + verdict(data, shown.plain.probability);
      said.push(say(data, "explore.chance_" + whose, Object.assign({}, values, aimed)));
      if (shown.moves) {
        const title = shown.course ? data.rates[choice.rate].scenarios[shown.course] : "";
        const how = shown.course ? "course" : choice.persons > 0 ? (shown.joining > 0 ? "both" : "persons") : "support";
        said.push(say(data, "explore.moved_" + how, Object.assign({}, values, shown.moved, { title: title })));
      }
      said.push(say(data, "explore.takes_" + howMuch(state), values));
    }
    return said.concat(state.a);
  }

  function howMuch(state) {
    if (state.g === null) return state.e === null ? "too_much" : state.e < 0.5 ? "half" : "even";
    if (state.g < 0.5) return "nothing";
    return state.e < 0.5 ? "good" : "both";
  }

  /* The rows of the table of scenarios, as texts. */
  function rows(data, choice) {
    const state = data.states[choice.rate][choice.unit];
    if (state.t === null) return [];
    const titles = data.rates[choice.rate].scenarios;
    return state.c
      .map((one, at) => {
        if (!one) return null;
        const band = { q10: write(data, one[1], "percent", 1), q90: write(data, one[3], "percent", 1) };
        return [
          titles[at],
          write(data, one[0], "rounded"),
          write(data, one[2], "percent", 1),
          say(data, "explore.join_q10", band),
          write(data, one[4], "probability"),
        ];
      })
      .filter((row) => row !== null);
  }

  // ---- The chart: `analysis.explore.drawing` ---------------------------------------------------

  const SIZE = { width: 720, height: 330, left: 44, right: 84, top: 34, bottom: 26 };
  /* Below this width the title takes two lines, and the margin at the right is narrower. */
  const NARROW = 520;

  function escaped(text) {
    const signs = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };
    return text.replace(/[&<>"']/g, (sign) => signs[sign]);
  }

  function tenth(value) {
    return Number(value.toFixed(1));
  }

  /* The year-ends of a state: five rising lines, as percent. */
  function lines(data, state) {
    const n = data.ends.length;
    return NAMES.map((_, at) => summed(state.y.slice(at * n, at * n + n), 100));
  }

  function marks(data, shown, width) {
    const state = shown.state;
    const narrow = (width || SIZE.width) < NARROW;
    const bands = lines(data, state);
    const dots = state.d.filter(([when]) => when >= data.first && when <= data.last);
    const every = [...bands[0], ...bands[4], ...state.d.map((dot) => dot[1]), shown.moved.q90];
    if (state.t !== null) every.push(state.t);
    const low = roundTo(Math.min(...every), 2);
    const high = roundTo(Math.max(...every), 2);
    const step = [1, 2, 5, 10, 20].find((one) => (high - low) / one <= 6) || 20;
    const from = Math.max(0, Math.floor(low / step) * step);
    const to = Math.min(100, Math.ceil(high / step) * step);
    const right = (width || SIZE.width) - (narrow ? 66 : SIZE.right);
    const foot = SIZE.height - SIZE.bottom;
    const head = SIZE.top + (narrow ? 18 : 0);
    const x = (year) => tenth(SIZE.left + ((year - data.first) / (data.last - data.first)) * (right - SIZE.left));
    const y = (value) => tenth(foot - ((value - from) / (to - from)) * (foot - head));
    const out = [];

    let grid = "";
    const words = [];
    for (let value = from; value <= to + 0.001; value += step) {
      grid += "M" + SIZE.left + " " + y(value) + "H" + right;
      words.push('<text x="' + (SIZE.left - 6) + '" y="' + tenth(y(value) + 4) + '" text-anchor="end">' + percent(data, value, 0) + "</text>");
    }
    out.push('<path class="g" d="' + grid + '"/>', ...words);
    for (let year = data.years[0]; year < data.years[1]; year += 2) {
      out.push('<text x="' + x(year + 1) + '" y="' + (SIZE.height - 8) + '" text-anchor="middle">' + year + "</text>");
    }

    const path = (values, order) => order.map((at) => x(data.ends[at]).toFixed(0) + " " + y(values[at]).toFixed(1)).join(" ");
    const there = data.ends.map((_, at) => at);
    const back = there.slice().reverse();
    out.push('<path class="w" d="M' + path(bands[4], there) + "L" + path(bands[0], back) + 'Z"/>');
    out.push('<path class="b" d="M' + path(bands[3], there) + "L" + path(bands[1], back) + 'Z"/>');
    out.push('<path class="m" d="M' + path(bands[2], there) + '"/>');

    const title = [data.units[shown.choice.unit] + ": ", data.rates[shown.choice.rate].label];
    (narrow ? title : [title.join("")]).forEach((line, at) => {
      out.push('<text class="h" x="4" y="' + (15 + 18 * at) + '">' + escaped(line) + "</text>");
    });
    const at = x(data.known);
    out.push('<path class="o" d="M' + at + " " + (head - 4) + "V" + foot + '"/>');
    const mark = say(data, "explore.origin_mark", { origin: data.origin });
    out.push('<text x="' + tenth(at - 4) + '" y="' + (head - 4) + '" text-anchor="end" font-size="11">' + mark + "</text>");

    const end = x(data.last);
    if (shown.moves) {
      const m = shown.moved;
      out.push('<path class="s" d="M' + tenth(end + 9) + " " + y(m.q10) + "V" + y(m.q90) + '"/>');
      out.push('<circle class="s" cx="' + tenth(end + 9) + '" cy="' + y(m.q50) + '" r="3"/>');
    }
    if (state.t !== null) {
      const level = y(state.t);
      const said = escaped(say(data, "explore.target_mark", { setter: "setter." + state.s }));
      out.push('<path class="t" d="M' + end + " " + tenth(level - 6) + 'l6 6 -6 6 -6 -6z"><title>' + said + "</title></path>");
      out.push('<text class="t" x="' + tenth(end + 18) + '" y="' + tenth(level + 4) + '">' + write(data, state.t, "goal") + "</text>");
    }
    dots.forEach(([when, value, look, said, address]) => {
      const left = x(when);
      const up = y(value);
      const shape =
        look === "a"
          ? '<rect class="a" x="' + tenth(left - 4) + '" y="' + tenth(up - 4) + '" width="8" height="8">'
          : '<circle class="' + look + '" cx="' + left + '" cy="' + up + '" r="4.5">';
      const dot = shape + "<title>" + escaped(said) + "</title></" + (look === "a" ? "rect" : "circle") + ">";
      out.push(address ? '<a href="' + escaped(address) + '" target="_blank">' + dot + "</a>" : dot);
    });
    return out.join("");
  }

  function alt(data, shown) {
    const n = shown.state.d.length;
    const values = Object.assign({ unit: shown.choice.unit, indicator: shown.choice.rate, n: n, origin: data.origin, due: data.due }, shown.plain);
    return say(data, n === 1 && data.phrases["explore.alt.one"] ? "explore.alt.one" : "explore.alt.other", values);
  }

  // ---- The page --------------------------------------------------------------------------------

  function start(box, data) {
    const find = (name) => box.querySelector(name);
    const unit = find("select.unit");
    const rate = find("select.indicator");
    const plan = find("select.scenario");
    const sliders = ["persons", "support", "response"].map((name) => find("input." + name));
    const [persons, support, response] = sliders;
    const drawing = find("svg");
    const body = find("tbody");
    let shown;
    drawing.classList.add("fits");

    function reset() {
      const people = data.states[rate.value][unit.value].n * data.longest;
      const step = Math.pow(10, Math.max(0, String(Math.floor(people)).length - 2));
      persons.step = step;
      persons.max = (Math.floor(people / step) + 1) * step;
      persons.value = 0;
      support.value = 0;
      response.value = 100 * data.response;
      support.disabled = response.disabled = !data.rates[rate.value].supportable;
      plan.replaceChildren();
      data.rates[rate.value].scenarios.forEach((title, at) => {
        if (at === 0 || data.states[rate.value][unit.value].c[at]) plan.add(new Option(title, String(at)));
      });
      plan.add(new Option(data.phrases["explore.scenario_own"], "own"));
      body.replaceChildren();
      rows(data, { unit: unit.value, rate: rate.value }).forEach((cells) => {
        const row = body.insertRow();
        cells.forEach((text, at) => {
          const cell = row.insertCell();
          cell.textContent = text;
          if (at) cell.className = "number";
        });
      });
    }

    /* As wide as the place it has, so that its letters keep their size on a phone. */
    function draw() {
      const width = Math.max(320, Math.min(SIZE.width, find(".wide").clientWidth));
      drawing.setAttribute("viewBox", "0 0 " + width + " " + SIZE.height);
      drawing.innerHTML = marks(data, shown, width);
    }

    function show() {
      const choice = { unit: unit.value, rate: rate.value, persons: Number(persons.value) };
      choice.support = support.value / 100;
      choice.response = response.value / 100;
      choice.course = plan.value === "own" ? null : Number(plan.value);
      shown = view(data, choice);
      draw();
      drawing.setAttribute("aria-label", alt(data, shown));
      find(".finding").replaceChildren(
        ...sentences(data, shown).map((text) => {
          const line = document.createElement("span");
          line.textContent = text;
          return line;
        })
      );
      sliders.forEach((slider) => {
        const value = Number(slider.value);
        const text = slider === persons ? number(data, value, 0) : percent(data, value, 0);
        slider.parentElement.querySelector("output").textContent = text;
        slider.setAttribute("aria-valuetext", text);
      });
    }

    function choose() {
      reset();
      show();
    }

    [unit, rate].forEach((chooser) =>
      chooser.addEventListener("change", () => {
        choose();
        history.replaceState(null, "", "#" + unit.value.replace("/", "-") + "-" + rate.value);
      })
    );
    plan.addEventListener("change", () => {
      if (plan.value !== "own") {
        persons.value = support.value = 0;
        response.value = 100 * data.response;
      }
      show();
    });
    sliders.forEach((slider) =>
      slider.addEventListener("input", () => {
        plan.value = "own";
        show();
      })
    );
    const [level, code, name] = location.hash.slice(1).split("-");
    if (level + "/" + code in data.units) unit.value = level + "/" + code;
    if (name in data.rates) rate.value = name;
    find(".controls").hidden = false;
    window.addEventListener("resize", draw);
    choose();
  }

  return { byHand: byHand, view: view, write: write, sentences: sentences, rows: rows, marks: marks, alt: alt, start: start };
})();
if (typeof module === "object") module.exports = Explorer;
