// A work within `root`, the document or an element of one; ids begin with `prefix`.
function evenlyWork(root, prefix) {
  "use strict";
  const own = name => root.querySelector(`#${prefix}${name}`);
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent).steps;
  const made = [...root.querySelectorAll("details.made")];
  const bar = own("bar");
  const state = own("state");
  const cellsOf = step => [...step.querySelectorAll(".result td.pick")];

  // Beside a step stand small copies of the tables it was made from: the originals may be far up.
  function unfold(step) {
    const work = step.querySelector(".work");
    if (!data[step.id] || work.querySelector(".sources")) return;
    const box = document.createElement("div");
    box.className = "sources";
    box.setAttribute("aria-hidden", "true");
    for (const [number, name] of data[step.id].sources.slice(0, 4)) {
      const found = [...root.querySelectorAll(`.result table[data-step="${number}"]`)];
      // A step that stands twice (to fill in, and worked out) is shown as it stands above.
      const above = found.filter(t => t.compareDocumentPosition(step) & 4);
      const owner = above.length ? above[above.length - 1].closest("details") : null;
      for (const table of above.filter(t => t.closest("details") === owner).slice(0, 2)) {
        const copy = table.cloneNode(true);
        for (const cell of copy.querySelectorAll("td")) {
          cell.removeAttribute("tabindex");
          cell.classList.remove("pick", "now", "o1", "o2", "o3", "o4", "o5", "o6");
        }
        for (const label of copy.querySelectorAll("[aria-label]")) label.removeAttribute("aria-label");
        copy.querySelector("caption").classList.add(name);
        const scroll = document.createElement("div");
        scroll.className = "scroll";
        scroll.append(copy);
        box.append(scroll);
      }
    }
    if (box.children.length) work.prepend(box);
  }

  // What a number was made from ------------------------------------------------------------------

  let marked = [];
  let pinned = null;
  const firsts = new Map();

  function clear() {
    for (const [element, name] of marked) element.classList.remove(name);
    marked = [];
  }

  function mark(element, name) {
    element.classList.add(name);
    marked.push([element, name]);
  }

  function line(step, name, formula) {
    const numbers = step.querySelector(".numbers");
    if (!numbers) return;
    if (!firsts.has(step)) firsts.set(step, numbers.innerHTML);
    if (formula === null) { numbers.innerHTML = firsts.get(step); return; }
    const where = document.createElement("span"), what = document.createElement("span");
    where.className = "where";
    where.textContent = name;
    what.className = "with";
    what.innerHTML = formula;  // MathML that was written, and escaped, with the page
    numbers.replaceChildren(where, what);
  }

  function show(cell) {
    const step = cell.closest("details.step");
    const told = data[step.id], found = told && told.cells[cell.dataset.cell];
    if (!found) return;
    clear();
    mark(cell, "now");
    const names = new Map(told.sources.map(([number, name]) => [String(number), name]));
    for (const place of found.from)
      for (const other of root.querySelectorAll(`td[data-cell="${place}"]`))
        // Where it stands, and the copy beside this step; not those beside other steps.
        if (!other.closest(".sources") || step.contains(other)) mark(other, names.get(place.split("-")[0]));
    line(step, found.name, found.formula);
  }

  function rest(step) {
    clear();
    line(step, "", null);
    if (pinned) show(pinned);
  }

  root.addEventListener("mouseover", event => {
    const cell = event.target.closest(".result td.pick");
    if (cell) show(cell);
  });
  root.addEventListener("mouseout", event => {
    const cell = event.target.closest(".result td.pick");
    if (cell && !cell.contains(event.relatedTarget)) rest(cell.closest("details.step"));
  });
  root.addEventListener("focusin", event => {
    const cell = event.target.closest(".result td.pick");
    if (!cell) return;
    pinned = cell;
    for (const other of cell.closest("table").querySelectorAll("td.pick"))
      other.tabIndex = other === cell ? 0 : -1;
    show(cell);
  });
  root.addEventListener("focusout", event => {
    const cell = event.target.closest(".result td.pick");
    if (!cell) return;
    pinned = null;
    rest(cell.closest("details.step"));
  });

  // A table is one stop of the Tab key; the arrow keys walk in it.
  for (const table of root.querySelectorAll(".result table"))
    table.querySelectorAll("td.pick").forEach((cell, i) => { cell.tabIndex = i ? -1 : 0; });

  function walk(cell, key) {
    const row = cell.parentElement, all = [...row.cells].indexOf(cell);
    const body = row.parentElement, rows = [...body.rows].indexOf(row);
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[key];
    const next = body.rows[rows + by[0]] && body.rows[rows + by[0]].cells[all + by[1]];
    if (next && next.classList.contains("pick")) next.focus();
  }

  // One step after the other ----------------------------------------------------------------------

  function tell() {
    const open = made.filter(step => step.open).length;
    state.textContent = `${open} of ${made.length} steps`;
    own("next").disabled = open === made.length;
    own("every").disabled = open === made.length;
    own("again").disabled = open === 0;
  }

  function next() {
    const step = made.find(one => !one.open);
    if (!step) return;
    step.open = true;
    unfold(step);
    step.scrollIntoView({ block: "nearest" });
    tell();
  }

  function back() {
    const step = made.filter(one => one.open).pop();
    if (step) step.open = false;
    tell();
  }

  for (const step of root.querySelectorAll("details.step")) {
    if (step.open && step.classList.contains("made")) unfold(step);
    step.addEventListener("toggle", () => { if (step.open) unfold(step); if (bar) tell(); });
  }
  for (const link of root.querySelectorAll(".from a"))
    link.addEventListener("click", () => {
      const step = own(link.hash.slice(1 + prefix.length));
      if (step) step.open = true;
    });

  if (bar) {
    for (const step of made) step.open = false;
    bar.hidden = own("help").hidden = false;
    own("next").addEventListener("click", next);
    own("every").addEventListener("click", () => {
      for (const step of made) step.open = true;
      tell();
    });
    own("again").addEventListener("click", () => {
      for (const step of made) step.open = false;
      tell();
      if (root === document) window.scrollTo(0, 0);
      else root.scrollIntoView({ block: "nearest" });
    });
    tell();
  }

  root.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (!event.key.startsWith("Arrow")) return;
    const cell = event.target.closest(".result td.pick");
    if (cell) {
      event.preventDefault();
      event.stopPropagation();
      walk(cell, event.key);
    } else if (bar && event.key === "ArrowRight") {
      event.preventDefault();
      event.stopPropagation();
      next();
    } else if (bar && event.key === "ArrowLeft") {
      event.preventDefault();
      event.stopPropagation();
      back();
    }
  });

  // What scrolls sideways can be scrolled by keyboard.
  function scrollers() {
    for (const box of document.querySelectorAll(".scroll")) {
      if (box.scrollWidth > box.clientWidth) {
        box.tabIndex = 0;
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", `${box.querySelector("caption")?.textContent.trim() || "formula"}, scrolls sideways`);
      } else if (box.tabIndex === 0) {
        for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
      }
    }
  }
  window.addEventListener("resize", scrollers);
  document.addEventListener("toggle", scrollers, true);
  scrollers();

  // On paper everything is unfolded.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...root.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
}
