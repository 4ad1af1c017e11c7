/** A value saved in the browser; undefined if there is none. */
export function remembered(key) {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Saves a value in the browser for the next visit. */
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Without storage, the value lasts for this visit only.
  }
}
