import { clock, t } from './i18n.js';
import { faultText } from './parts.js';

/** A connection that is back at once is not worth a word. */
const PATIENCE_MS = 1_000;

const link = document.getElementById('link');
const banner = document.getElementById('banner');
let since;
let timer;
/** The error that the daemon answered while it would not serve; undefined if it does not answer. */
let refusal;

/** Shows whether what is on the page is kept up to date: 'live', 'away', or 'none' where nothing is followed. */
export function showLink(state, reason) {
  link.dataset.state = state;
  link.hidden = state === 'none';
  if (state === 'away') {
    since ??= new Date();
    refusal = reason;
    if (banner.hidden) timer ??= setTimeout(showAway, PATIENCE_MS);
    else showAway();
  } else {
    clearTimeout(timer);
    timer = undefined;
    since = undefined;
    clearFault();
  }
  link.textContent = state === 'none' ? '' : t(`link.${state}`);
}

function showAway() {
  const time = clock(since);
  showFault(refusal ? t('link.refused', { time, message: faultText(refusal) }) : t('link.gone', { time }));
}

/** Shows what went wrong, above the view; it stays until clearFault(). */
export function showFault(text) {
  // The same text again would be read again.
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = false;
}

/** Takes away what showFault() shows, unless the connection is away. */
export function clearFault() {
  if (since !== undefined) return;
  banner.hidden = true;
  banner.textContent = '';
}
