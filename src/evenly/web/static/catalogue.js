// Filters the cards while one types; without it the form asks the server.
const field = document.querySelector("#q"), cards = [...document.querySelectorAll(".card")];
const count = document.querySelector("#count"), none = document.querySelector("#none");
const every = Number(count.textContent.match(/of (\d+)/)[1]);

// Only where all cards are on the page.
if (cards.length === every) {
  field.form.querySelector("button").hidden = true;
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    document.querySelector(".card:not([hidden]) a")?.focus();
  });
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const card of cards) card.hidden = !words.every((word) => card.dataset.text.includes(word));
    for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector(".card:not([hidden])");
    const shown = cards.filter((card) => !card.hidden).length;
    count.textContent = `${shown} of ${every} exercises`;
    none.hidden = shown > 0;
  });
}
