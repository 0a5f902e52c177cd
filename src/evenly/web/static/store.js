// What has been typed, kept by this browser under the exercise's identity. A browser that keeps nothing is no error.
const PREFIX = "evenly/", MOST = 40;

export function load(identity) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + identity))?.answers ?? {};
  } catch {
    return {};
  }
}

export function save(identity, answers) {
  try {
    localStorage.setItem(PREFIX + identity, JSON.stringify({ at: Date.now(), answers }));
    const kept = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    if (kept.length <= MOST) return;
    const age = (key) => JSON.parse(localStorage.getItem(key))?.at ?? 0;
    kept.sort((a, b) => age(a) - age(b)).slice(0, kept.length - MOST).forEach((key) => localStorage.removeItem(key));
  } catch {
    // Full, or forbidden: the answers stay on the page.
  }
}

// What is done of the lessons, and the sheets that came out right. What is kept under these names and is not understood
// is never written over: `null` says so.
const DONE = "evenly-lessons", RIGHT = "evenly-right", MOST_RIGHT = 500;

function kept(name, fits, empty) {
  let text;
  try {
    text = localStorage.getItem(name);
  } catch {
    return empty;
  }
  try {
    const value = text === null ? empty : JSON.parse(text);
    return fits(value) ? value : null;
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

const isLists = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && Object.values(value).every(Array.isArray);

export const rightSheets = () => kept(RIGHT, Array.isArray, []);

export function markRight(identity) {
  const sheets = rightSheets();
  if (sheets && !sheets.includes(identity)) keep(RIGHT, [...sheets, identity].slice(-MOST_RIGHT));
}

export const doneSteps = () => kept(DONE, isLists, {});

// Whether it could be kept.
export function keepSteps(lesson, keys) {
  const all = doneSteps();
  return all !== null && keep(DONE, { ...all, [lesson]: keys });
}
