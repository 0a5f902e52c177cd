// Change a given number and see what follows change.
import { ask } from "./api.js";
import { fields, read, walk } from "./cells.js";
import { draw, unlight } from "./work.js";

export function explore(page, identity, steps, shared) {
  const editor = page.querySelector("#editor"), shown = page.querySelector(".shown");
  const toggle = page.querySelector("#explore"), said = page.querySelector("#edited");
  const gifts = [...editor.querySelectorAll("[data-input]")];
  const start = JSON.parse(editor.dataset.inputs);
  let before = null, asked = 0, timer = 0;

  const inputs = () => ({ ...start, ...Object.fromEntries(gifts.map((gift) => [gift.dataset.input, read(gift)])) });
  const edited = () => fields(editor).some((input) => input.value.trim() !== input.defaultValue);

  function say(text, bad) {
    said.classList.toggle("bad", Boolean(bad));
    said.textContent = text;
  }

  async function solve() {
    const turn = ++asked;
    for (const input of fields(editor)) input.classList.toggle("edited", input.value.trim() !== input.defaultValue);
    const question = { exercise: identity.exercise, level: identity.level, seed: identity.seed, sizes: identity.sizes, convention: identity.convention, inputs: inputs() };
    let answer;
    try {
      answer = await ask("/api/work", question);
    } catch (error) {
      if (turn === asked) say(error.message, true);
      return;
    }
    if (turn !== asked || !page.classList.contains("exploring")) return;
    const now = new Map(), names = [];
    let total = 0;
    for (const work of answer.steps) {
      const step = steps.find((one) => one.dataset.key === work.key);
      now.set(work.key, new Map(work.cells.map((cell) => [cell.flat, cell.text])));
      const changed = draw(step, work, step.querySelector(".work"), before?.get(work.key) ?? now.get(work.key));
      step.classList.toggle("changed", changed > 0);
      if (changed) names.push(step.querySelector("h3").textContent);
      total += changed;
    }
    if (before) {
      const results = total === 1 ? "result" : "results";
      const where = names.length > 1 ? `${names.length} steps, from “${names[0]}” on` : `“${names[0]}”`;
      say(total ? `${total} ${results} changed in ${where}.` : "No result changed.");
    }
    before = now;
    shared.address = edited() ? answer.link : page.dataset.link;
    history.replaceState(null, "", shared.address);
  }

  function open() {
    page.classList.add("exploring");
    editor.hidden = false;
    shown.hidden = true;
    before = null;
    unlight();
    say("");
    solve();
  }

  function close() {
    page.classList.remove("exploring");
    editor.hidden = true;
    shown.hidden = false;
    unlight();
    asked += 1;
    for (const step of steps) {
      step.classList.remove("changed");
      step.querySelector(".work").hidden = true;
      step.querySelector(".work").replaceChildren();
      step.querySelector(".show-work").setAttribute("aria-expanded", "false");
      step.querySelector(".show-work").textContent = "Show the work";
    }
    shared.address = page.dataset.link;
    history.replaceState(null, "", shared.address);
  }

  toggle.addEventListener("click", () => {
    const opens = toggle.getAttribute("aria-pressed") !== "true";
    toggle.setAttribute("aria-pressed", String(opens));
    toggle.textContent = opens ? "Back to the exercise" : "Change the numbers";
    (opens ? open : close)();
  });
  editor.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(solve, 200);
  });
  editor.addEventListener("keydown", (event) => {
    if (!event.target.matches("td input") || walk(event)) return;
    if (event.key === "Enter") {
      clearTimeout(timer);
      solve();
    }
  });
  editor.querySelector("#restore").addEventListener("click", () => {
    for (const input of fields(editor)) input.value = input.defaultValue;
    solve();
  });
  editor.querySelector("#practise").addEventListener("click", async () => {
    clearTimeout(timer);
    await solve();
    if (!said.classList.contains("bad")) location.assign(shared.address);
  });
}
