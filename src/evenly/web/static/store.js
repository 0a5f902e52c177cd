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
