// The work of a step: its numbers, and for each of them the formula with numbers and where those stand.

// Markup of the server's own: numbers and formulas.
function math(markup) {
  const holder = document.createElement("template");
  holder.innerHTML = markup;
  return holder.content;
}

export function unlight() {
  for (const cell of document.querySelectorAll("td[data-lit]")) {
    cell.classList.remove(cell.dataset.lit);
    delete cell.dataset.lit;
  }
}

function light(cell, sources) {
  unlight();
  for (const place of cell.from) {
    const name = sources[place.split("-")[0]];
    for (const found of document.querySelectorAll(`td[data-place="${place}"]`)) {
      if (found.dataset.lit || !name) continue;
      found.dataset.lit = name;
      found.classList.add(name);
    }
  }
}

function titleOf(number) {
  const found = document.querySelector(`.shown [data-number="${number}"] h3, .steps [data-number="${number}"] h3`);
  return found?.textContent ?? "";
}

// Draws the work into a box. Cells whose text differs from `before` (by flat index) are marked.
export function draw(step, work, box, before) {
  const wasOn = box.querySelector('button[aria-pressed="true"]')?.dataset.flat;
  const hadFocus = box.contains(document.activeElement);
  const at = new Map(work.cells.map((cell) => [cell.flat, cell]));
  const how = document.createElement("div");
  how.className = "how scroll";
  how.tabIndex = 0;
  how.setAttribute("aria-label", "how this number comes about");
  how.setAttribute("role", "group");
  const from = document.createElement("p");
  from.className = "from";
  const named = Object.entries(work.sources);
  if (named.length) {
    from.append("Made from ");
    for (const [number, name] of named) {
      const part = document.createElement("span");
      part.className = name;
      // What the page shows in another form, such as a matrix's diagonal, goes by its own name.
      part.textContent = titleOf(number) || work.names[number];
      from.append(part, " ");
    }
  }
  const matrices = step.querySelector(".answers .matrices").cloneNode(true);
  let changed = 0;
  const buttons = [];
  for (const table of matrices.querySelectorAll("table")) table.className = table.classList.contains("scalar") ? "matrix made scalar" : "matrix made";
  for (const cell of matrices.querySelectorAll("td[data-flat]")) {
    const own = at.get(Number(cell.dataset.flat));
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.flat = cell.dataset.flat;
    button.setAttribute("aria-pressed", "false");
    if (own) button.append(math(own.math));
    // A formula's sign is no name to all that read aloud.
    button.setAttribute("aria-label", [cell.dataset.name, own?.text ?? "not worked out"].filter(Boolean).join(": "));
    if (own?.near) {
      const near = document.createElement("span");
      near.className = "near";
      near.append(math(own.near));
      button.append(near);
    }
    cell.removeAttribute("data-place");
    cell.removeAttribute("data-lit");
    cell.className = "";
    if (before && own && before.get(own.flat) !== own.text) {
      changed += 1;
      cell.classList.add("changed");
      button.title = `was ${before.get(own.flat)}`;
    }
    cell.replaceChildren(button);
    button.addEventListener("click", () => choose(button, true));
    button.addEventListener("keydown", (event) => walk(event, button));
    buttons.push(button);
  }
  function choose(button, lit) {
    const own = at.get(Number(button.dataset.flat));
    if (!own) return;
    buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    buttons.forEach((other) => { other.tabIndex = other === button ? 0 : -1; });
    how.replaceChildren();
    const name = button.closest("td").dataset.name;
    if (name) {
      const where = document.createElement("span");
      where.className = "where";
      where.textContent = name;
      how.append(where);
    }
    how.append(math(own.formula));
    if (lit) light(own, work.sources);
  }
  function walk(event, button) {
    const cell = button.closest("td"), row = cell.parentElement, rows = [...row.parentElement.rows];
    const own = [...row.querySelectorAll("td[data-flat]")], column = own.indexOf(cell);
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (!down && !right) return;
    const other = down ? rows[rows.indexOf(row) + down]?.querySelectorAll("td[data-flat]")[column] : own[column + right];
    if (!other) return;
    event.preventDefault();
    const next = other.querySelector("button");
    choose(next, true);
    next.focus();
  }
  box.replaceChildren(matrices, how, from);
  const first = buttons.find((button) => button.dataset.flat === wasOn)
    ?? buttons.find((button) => at.get(Number(button.dataset.flat))?.text !== "0") ?? buttons[0];
  if (first) choose(first, !before);
  if (first && hadFocus) first.focus();
  box.hidden = false;
  return changed;
}
