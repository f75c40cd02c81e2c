"use strict";
// Filters lists and widens drawings. The page says everything without it: it adds what is of no use on paper.
(() => {
  const make = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  // Lists: rows are kept that hold all words and have the chosen outcome; what folds them opens with them.
  const filter = section => {
    const rows = [...section.querySelectorAll("[data-row]")];
    if (rows.length < 2) return;
    const folds = [...section.querySelectorAll("details")].filter(fold => fold.querySelector("[data-row]"));
    const before = folds.map(fold => fold.open);
    const outcomes = [...new Set(rows.map(row => row.dataset.outcome))];
    const text = make("input", { type: "search" });
    const choice = make("select", {}, make("option", { value: "" }, "all"), ...outcomes.map(each => make("option", {}, each)));
    const told = make("output", {});
    const show = () => {
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const active = words.length > 0 || choice.value !== "";
      for (const row of rows) {
        const content = row.textContent.toLowerCase();
        row.hidden = !(words.every(word => content.includes(word)) && ["", row.dataset.outcome].includes(choice.value));
      }
      folds.forEach((fold, number) => {
        const found = fold.querySelector("[data-row]:not([hidden])") !== null;
        fold.hidden = !found;
        fold.open = active ? found : before[number];
      });
      const shown = rows.filter(row => !row.hidden).length;
      told.textContent = active ? `${shown} of the ${rows.length} on this page` : "";
    };
    text.addEventListener("input", show);
    choice.addEventListener("input", show);
    section.querySelector("h2").after(make("p", { className: "filter" },
      make("label", {}, "filter ", text), make("label", {}, `${section.dataset.filter} `, choice), told));
    section.clear = () => { text.value = choice.value = ""; show(); };
  };

  // Links: what they lead to is shown, whatever is folded or filtered away.
  const lead = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[hidden]")) target.closest("[data-filter]").clear();
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.scrollIntoView();
  };

  // Drawings: wider in time, and what they show at the moment under the pointer or the slider.
  const places = { line: ["x1", "x2"], text: ["x"], polyline: ["points"], rect: ["x", "width"] };
  const widen = figure => {
    const svg = figure.querySelector("svg");
    const [left, across] = figure.dataset.box.split(" ").map(Number);
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const title = figure.dataset.title;
    const pane = make("div", { className: "pane", tabIndex: 0 });
    svg.replaceWith(pane);
    pane.append(svg);
    const drawn = [...svg.querySelectorAll(Object.keys(places).join())].map(element =>
      [element, Object.fromEntries(places[element.tagName].map(name => [name, element.getAttribute(name)]))]);
    let factor = 1;
    let moment = null;
    const at = x => x <= left ? x : left + (x - left) * factor;
    const place = ([element, first]) => {
      for (const [name, value] of Object.entries(first)) {
        const moved = name === "points" ? value.replace(/([\d.]+),/g, (_, x) => `${at(Number(x))},`)
          : name === "width" ? at(Number(first.x) + Number(value)) - at(Number(first.x)) : at(Number(value));
        element.setAttribute(name, moved);
      }
    };
    const seen = x => at(x) * pane.clientWidth / width - pane.scrollLeft;
    const lead = x => { pane.scrollLeft += seen(x) - pane.clientWidth / 2; };
    const zoom = by => {
      const middle = moment ?? left + ((pane.scrollLeft / pane.clientWidth + 0.5) * width - left) / factor;
      factor = Math.min(16, Math.max(1, factor * by));
      drawn.forEach(place);
      const whole = at(width);
      svg.setAttribute("viewBox", `0 0 ${whole} ${height}`);
      svg.style.width = `${100 * whole / width}%`;
      svg.style.minWidth = "0";
      lead(middle);
    };
    const button = (sign, says, by) => {
      const made = make("button", { type: "button", ariaLabel: `${says}: ${title}` }, sign);
      made.addEventListener("click", () => zoom(by));
      return made;
    };
    const tools = make("div", { className: "tools" }, button("−", "narrower", 0.5), button("+", "wider", 2));
    pane.after(tools);
    const choose = x => {
      moment = x;
      if (seen(x) < 0 || seen(x) > pane.clientWidth) lead(x);
    };
    if (figure.dataset.top) read(figure, svg, tools, title, { drawn, place, left, across, choose, at: () => factor });
  };

  const read = (figure, svg, tools, title, { drawn, place, left, across, choose, at }) => {
    const { top, span, unit, box } = figure.dataset;
    const [, , tall, bottom] = box.split(" ").map(Number);
    const names = [...figure.querySelectorAll("figcaption [class^=line]")].map(name => name.textContent);
    const lines = names.map((_, number) => [...svg.querySelectorAll(`polyline.line-${number}`)].flatMap(piece =>
      piece.getAttribute("points").split(" ").map(point => point.split(",").map(Number))));
    const moments = [...new Set(lines.flat().map(([x]) => x))].sort((a, b) => a - b);
    const cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
    cursor.classList.add("cursor");
    const slider = make("input", { type: "range", min: 0, max: moments.length - 1, value: 0, ariaLabel: `moment: ${title}` });
    const told = make("output", {});
    const entry = [cursor, { x1: 0, x2: 0 }];
    const show = () => {
      const x = moments[slider.value];
      if (!cursor.parentNode) {
        cursor.setAttribute("y1", bottom - tall);
        cursor.setAttribute("y2", bottom);
        svg.append(cursor);
        drawn.push(entry);
      }
      entry[1].x1 = entry[1].x2 = x;
      place(entry);
      choose(x);
      const values = lines.map((line, number) => {
        const here = line.filter(point => point[0] === x).map(([, y]) => (bottom - y) / tall * top);
        const [low, high] = [Math.min(...here), Math.max(...here)].map(value => Number(value.toPrecision(3)));
        return here.length ? `${names[number]} ${low === high ? low : `${low} to ${high}`}` : "";
      }).filter(Boolean);
      const second = Number(((x - left) / across * span).toPrecision(4));
      told.textContent = slider.ariaValueText = `at ${second} s about ${values.join(", ")} ${unit}`;
    };
    slider.addEventListener("input", show);
    svg.addEventListener("pointermove", event => {
      const seen = svg.getBoundingClientRect();
      const x = (event.clientX - seen.left) / seen.width * svg.viewBox.baseVal.width;
      const wanted = left + (x - left) / at();
      const near = (best, moment, number) => Math.abs(moment - wanted) < Math.abs(moments[best] - wanted) ? number : best;
      slider.value = moments.reduce(near, 0);
      show();
    });
    tools.append(slider, told);
  };

  document.querySelectorAll("section[data-filter]").forEach(filter);
  document.querySelectorAll("figure[data-box]").forEach(widen);
  window.addEventListener("hashchange", lead);
  lead();
})();
