// The page of an exercise: fill in, check, go on.
import { ask } from "./api.js";
import { fields, flatOf, focus, read, walk } from "./cells.js";
import { explore } from "./explore.js";
import { clear, show, stale } from "./grading.js";
import { scrollers } from "./scroll.js";
import { load, markRight, save } from "./store.js";
import { draw, unlight } from "./work.js";

const page = document.querySelector("#exercise");
const identity = JSON.parse(page.dataset.identity);
const steps = [...page.querySelectorAll(".step")];
const progress = page.querySelector("#progress");
const shared = { address: page.dataset.link };

const answers = () => Object.fromEntries(steps.map((step) => [step.dataset.key, read(step.querySelector(".answers").parentElement)]));
const inputsOf = (step) => fields(step.querySelector(".answers"));

function keep() {
  save(page.dataset.identity, Object.fromEntries(steps.map((step) => [
    step.dataset.key, Object.fromEntries(inputsOf(step).filter((input) => input.value).map((input) => [flatOf(input), input.value])),
  ])));
}

function restore() {
  const kept = load(page.dataset.identity);
  for (const step of steps) {
    for (const input of inputsOf(step)) input.value = kept[step.dataset.key]?.[flatOf(input)] ?? "";
  }
}

function count() {
  const all = steps.flatMap(inputsOf);
  const filled = all.filter((input) => input.value.trim()).length;
  const done = steps.filter((step) => step.classList.contains("done")).length;
  progress.textContent = `${done} of ${steps.length} steps right, ${filled} of ${all.length} cells filled in`;
}

// Checks one step, or all; goes on to what is to be done next.
async function check(only, moves) {
  let graded;
  try {
    graded = await ask("/api/grade", { ...identity, answers: answers() });
  } catch (error) {
    const box = only?.querySelector(".verdict");
    if (box) {
      box.className = "verdict wrong";
      box.textContent = error.message;
    } else {
      progress.textContent = error.message;
    }
    return;
  }
  // An answer is judged by those before it: what was checked before is judged anew.
  let first = null;
  for (const one of graded.steps) {
    const step = steps.find((other) => other.dataset.key === one.key);
    if (!step) continue;
    if (!only || step === only) step.dataset.checked = "yes";
    if (!step.dataset.checked) continue;
    const look = show(step, one, inputsOf(step));
    if (!only || step === only) first ??= look;
  }
  count();
  // A lesson sees that its sheet is right.
  if (graded.points === graded.possible) markRight(page.dataset.identity);
  if (!only) progress.textContent = `${graded.points} of ${graded.possible} points`;
  if (!moves) return;
  const next = only && !first ? inputsOf(steps[steps.indexOf(only) + 1] ?? only)[0] : first;
  if (next && (next !== inputsOf(only ?? steps[0])[0] || first)) focus(next);
  if (only && !first && only === steps.at(-1)) page.querySelector("#check-all").focus();
}

async function toggleWork(step) {
  const button = step.querySelector(".show-work"), box = step.querySelector(".work");
  if (!box.hidden) {
    box.hidden = true;
    box.replaceChildren();
    button.setAttribute("aria-expanded", "false");
    button.textContent = "Show the work";
    unlight();
    return;
  }
  try {
    const answer = await ask("/api/work", { ...identity, steps: [step.dataset.key] });
    draw(step, answer.steps[0], box, null);
    button.setAttribute("aria-expanded", "true");
    button.textContent = "Hide the work";
  } catch (error) {
    box.hidden = false;
    box.textContent = error.message;
  }
}

for (const step of steps) {
  step.querySelector(".check").addEventListener("click", () => check(step, false));
  step.querySelector(".show-work").addEventListener("click", () => toggleWork(step));
  const box = step.querySelector(".answers");
  box.addEventListener("input", (event) => {
    clear(event.target);
    for (const behind of steps.slice(steps.indexOf(step))) stale(behind);
    for (const behind of steps.slice(steps.indexOf(step) + 1)) inputsOf(behind).forEach(clear);
    keep();
    count();
  });
  box.addEventListener("keydown", (event) => {
    if (!event.target.matches("input") || walk(event)) return;
    if (event.key === "." && event.ctrlKey) {
      const hint = step.querySelector(".hint");
      if (hint) hint.open = !hint.open;
      event.preventDefault();
    }
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const own = inputsOf(step), place = own.indexOf(event.target);
    if (place + 1 < own.length) focus(own[place + 1]);
    else check(step, true);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !page.classList.contains("exploring")) {
    event.preventDefault();
    check(null, true);
  }
});
page.querySelector("#check-all").addEventListener("click", () => check(null, false));
page.querySelector("#print").addEventListener("click", () => window.print());
page.querySelector("#share").addEventListener("click", async (event) => {
  const address = new URL(shared.address, location.href).href;
  try {
    await navigator.clipboard.writeText(address);
    event.target.textContent = "Copied";
    setTimeout(() => { event.target.textContent = "Copy link"; }, 2000);
  } catch {
    // Without the right to copy, the link is shown.
    page.querySelector("#shared").hidden = false;
    const field = page.querySelector("#address");
    field.value = address;
    focus(field);
  }
});

// On a narrow screen the given numbers stay in sight; folded away, they leave room.
const fold = page.querySelector("#fold"), given = page.querySelector("#given");
fold.addEventListener("click", () => {
  const folded = given.classList.toggle("folded");
  fold.setAttribute("aria-expanded", String(!folded));
  fold.textContent = folded ? "Unfold" : "Fold";
});

scrollers();

history.replaceState(null, "", shared.address);
restore();
count();
explore(page, identity, steps, shared);
page.dataset.ready = "yes";
