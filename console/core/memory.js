/** What the browser keeps for the next visit; undefined if it keeps nothing. */
export function remembered(key) {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Asks the browser to keep something for the next visit. */
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It keeps nothing: then it is for this visit only.
  }
}
