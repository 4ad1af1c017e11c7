const status = document.getElementById('status');

/** Says something to who listens rather than looks. */
export function announce(text) {
  // The same text again would not be read.
  status.textContent = status.textContent === text ? `${text}\u00a0` : text;
}
