// Ticks of lessons, kept in this browser alone: how far each is, what is next.
import { doneSteps, keepSteps, rightSheets } from "./store.js";

const said = document.querySelector("#kept");
const BROKEN = "What this browser has kept of lessons cannot be read, and is left as it is. Ticks are not kept; clear this site's data to begin anew.";

function overview() {
  const all = doneSteps();
  if (all === null) said.textContent = BROKEN;
  for (const card of document.querySelectorAll(".card[data-lesson]")) {
    const keys = JSON.parse(card.dataset.keys), own = (all ?? {})[card.dataset.lesson] ?? [];
    const count = keys.filter((key) => own.includes(key)).length;
    if (count) card.querySelector(".far").textContent = `${count} of ${keys.length} steps done`;
  }
}

function lesson(page) {
  const name = page.dataset.lesson, steps = [...page.querySelectorAll(".step")];
  const box = (step) => step.querySelector(".tick input");
  const all = doneSteps(), sheets = rightSheets() ?? [];
  let done = new Set((all ?? {})[name] ?? []);
  if (all === null) said.textContent = BROKEN;

  function show() {
    const next = steps.find((step) => !done.has(step.dataset.key));
    for (const step of steps) {
      const is = done.has(step.dataset.key);
      box(step).checked = is;
      step.classList.toggle("done", is);
      step.querySelector(".badge").textContent = is ? "✓" : step.id.replace("step-", "");
      const line = page.querySelector(`.path a[href="#${step.id}"]`);
      line.classList.toggle("done", is);
      if (step === next) line.setAttribute("aria-current", "step");
      else line.removeAttribute("aria-current");
    }
    const count = steps.filter((step) => done.has(step.dataset.key)).length;
    page.querySelector("#far").textContent = `${count} of ${steps.length} steps done.`;
    const on = page.querySelector("#on");
    on.hidden = !next;
    if (next) {
      on.href = `#${next.id}`;
      on.textContent = count ? `Go on with step ${steps.indexOf(next) + 1}` : "Begin";
    }
  }

  function keep() {
    // Steps of a newer version, or of another lesson's, stay in what is kept.
    if (!keepSteps(name, [...done]) && all !== null) said.textContent = "This browser keeps nothing: ticks last until the page is left.";
    show();
  }

  const before = done.size;
  for (const step of steps) {
    if (sheets.includes(step.dataset.sheet) || step.querySelector(".verdict.right")) done.add(step.dataset.key);
    box(step).addEventListener("change", () => {
      if (box(step).checked) done.add(step.dataset.key);
      else done.delete(step.dataset.key);
      keep();
    });
  }
  page.querySelector("#reset").addEventListener("click", () => {
    done = new Set();
    keep();
  });
  if (done.size > before) keep();
  else show();
  page.dataset.ready = "yes";
}

const page = document.querySelector("#lesson");
if (page) lesson(page);
else overview();
