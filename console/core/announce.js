const status = document.getElementById('status');

/** Announces a text to screen readers. */
export function announce(text) {
  // Screen readers do not read an unchanged text again.
  status.textContent = status.textContent === text ? `${text}\u00a0` : text;
}
