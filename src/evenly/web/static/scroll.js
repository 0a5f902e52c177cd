// What is wider than the screen scrolls sideways: it shows where more is, and can be scrolled by keyboard.
const reached = (box) => [
  box.scrollLeft > 1 ? "left" : "", box.scrollLeft + box.clientWidth < box.scrollWidth - 1 ? "right" : "",
].filter(Boolean).join(" ");

function look(box) {
  const wide = box.scrollWidth > box.clientWidth + 1;
  if (!wide) {
    delete box.dataset.more;
    if (box.dataset.own) for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    delete box.dataset.own;
    return;
  }
  box.dataset.more = reached(box);
  // Cells to type into bring the keyboard here by themselves.
  if (box.hasAttribute("tabindex") || box.querySelector("input, button")) return;
  box.dataset.own = "yes";
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `${box.querySelector("caption")?.textContent.trim() || "formula"}, scrolls sideways`);
}

export function scrollers() {
  const seen = new ResizeObserver((entries) => entries.forEach((entry) => look(entry.target)));
  const watch = (box) => {
    if (box.dataset.watched) return;
    box.dataset.watched = "yes";
    box.addEventListener("scroll", () => look(box), { passive: true });
    seen.observe(box);
    look(box);
  };
  const all = () => document.querySelectorAll(".scroll").forEach(watch);
  all();
  // Work that is drawn later scrolls as well.
  new MutationObserver(() => {
    for (const box of document.querySelectorAll(".scroll[data-watched]")) look(box);
    all();
  }).observe(document.querySelector("main"), { childList: true, subtree: true });
}
