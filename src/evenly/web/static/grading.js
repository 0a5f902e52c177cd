// Shows verdicts: by symbol, colour and words.
const MARKS = { right: "✓", follows: "↝", wrong: "✗", unreadable: "?", empty: "" };
const WORDS = {
  right: "right", follows: "follows from an earlier mistake", wrong: "wrong", unreadable: "not a number that can be read", empty: "empty",
};

const flat = (verdicts) => Array.isArray(verdicts) ? verdicts.flatMap(flat) : [verdicts];

export function clear(input) {
  const cell = input.closest(".cell");
  cell.classList.remove(...Object.keys(MARKS));
  cell.querySelector(".mark").textContent = "";
  input.removeAttribute("aria-invalid");
  input.removeAttribute("title");
  input.removeAttribute("aria-description");
}

function mark(input, verdict) {
  clear(input);
  const cell = input.closest(".cell");
  cell.classList.add(verdict);
  cell.querySelector(".mark").textContent = MARKS[verdict] ?? "";
  if (verdict === "wrong" || verdict === "unreadable") input.setAttribute("aria-invalid", "true");
  input.title = WORDS[verdict] ?? verdict;
  input.setAttribute("aria-description", WORDS[verdict] ?? verdict);
}

function paragraph(box, ...parts) {
  const line = document.createElement("p");
  for (const [tag, text] of parts) {
    const part = document.createElement(tag);
    part.textContent = text;
    line.append(part);
  }
  box.append(line);
}

// Returns the first input that needs another look, if any.
export function show(step, graded, inputs) {
  const verdicts = flat(graded.verdicts), counts = {};
  const at = new Map(inputs.map((input) => [Number(input.closest("td").dataset.flat), input]));
  let first = null;
  verdicts.forEach((verdict, place) => {
    const input = at.get(place);
    counts[verdict] = (counts[verdict] ?? 0) + 1;
    if (!input) return;
    mark(input, verdict);
  });
  for (const input of inputs) {
    const verdict = verdicts[Number(input.closest("td").dataset.flat)];
    if (!first && ["wrong", "unreadable", "empty"].includes(verdict)) first = input;
  }
  const box = step.querySelector(".verdict");
  const full = verdicts.every((verdict) => verdict === "right");
  const begun = verdicts.length > (counts.empty ?? 0);
  step.classList.toggle("done", full);
  step.querySelector(".badge").textContent = full ? "✓" : step.id.replace("step-", "");
  box.className = `verdict ${full ? "right" : counts.wrong || counts.unreadable ? "wrong" : begun ? "partly" : ""}`;
  box.replaceChildren();
  const said = ["wrong", "unreadable", "follows", "empty"].filter((verdict) => counts[verdict])
    .map((verdict) => `${counts[verdict]} ${{ unreadable: "unreadable", follows: "right after an earlier mistake" }[verdict] ?? verdict}`);
  const sum = `${graded.points} of ${graded.possible} ${graded.possible === 1 ? "point" : "points"}`;
  paragraph(box, ["strong", full ? "✓ All right. " : said.length ? `${said.join(", ")}. ` : ""], ["span", `${sum}.`]);
  for (const note of new Set(graded.notes ?? [])) paragraph(box, ["span", `${capital(note)}.`]);
  if (graded.mistake) {
    for (const [place, one] of [graded.mistake, ...(graded.others ?? [])].entries()) {
      paragraph(box, ["strong", `${place ? "Or" : "Mistake"}: ${one.name}. `], ["span", `${one.words} `], ["span", one.advice]);
    }
  }
  return first;
}

const capital = (text) => text && text[0].toUpperCase() + text.slice(1);

// What was said of a step no longer holds once its answers, or those before it, change.
export function stale(step) {
  step.classList.remove("done");
  step.querySelector(".badge").textContent = step.id.replace("step-", "");
  const box = step.querySelector(".verdict");
  box.className = "verdict";
  box.replaceChildren();
}
