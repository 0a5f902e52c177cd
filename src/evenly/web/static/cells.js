// Cells of a matrix: reading and writing them, and walking between them by keyboard.

export const fields = (within) => [...within.querySelectorAll("td[data-flat] input")];
export const flatOf = (input) => Number(input.closest("td").dataset.flat);

export function shapeOf(element) {
  return element.dataset.shape ? element.dataset.shape.split(",").map(Number) : [];
}

// Nested lists of a shape, from what stands at each flat index.
export function nested(shape, at) {
  let next = 0;
  const build = (axis) => axis === shape.length
    ? at(next++)
    : Array.from({ length: shape[axis] }, () => build(axis + 1));
  return build(0);
}

export function read(element) {
  const texts = new Map(fields(element).map((input) => [flatOf(input), input.value.trim()]));
  return nested(shapeOf(element), (flat) => texts.get(flat) ?? "");
}

// The cell beside this one: in the same table, or the next table that way.
function beside(input, down, right) {
  const cell = input.closest("td"), row = cell.parentElement;
  const own = [...row.querySelectorAll("td[data-flat]")];
  const column = own.indexOf(cell);
  if (right) return own[column + right]?.querySelector("input");
  const rows = [...row.parentElement.rows];
  const other = rows[rows.indexOf(row) + down];
  return other?.querySelectorAll("td[data-flat]")[column]?.querySelector("input");
}

export function focus(input) {
  input.focus();
  input.select();
}

export function walk(event) {
  const input = event.target;
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return false;
  const all = input.selectionStart === 0 && input.selectionEnd === input.value.length;
  const start = input.selectionStart === 0 && input.selectionEnd === 0;
  const end = input.selectionStart === input.value.length;
  const ways = {
    ArrowUp: [-1, 0, true], ArrowDown: [1, 0, true], ArrowLeft: [0, -1, all || start], ArrowRight: [0, 1, all || end],
  };
  const [down, right, leaves] = ways[event.key] ?? [0, 0, false];
  const other = leaves ? beside(input, down, right) : null;
  if (!other) return false;
  event.preventDefault();
  focus(other);
  return true;
}
