import { clock, t } from './i18n.js';
import { faultText } from './parts.js';

/** Shorter interruptions of the connection are not shown. */
const BANNER_DELAY_MS = 1_000;

const link = document.getElementById('link');
const banner = document.getElementById('banner');
let since;
let timer;
/** The error that the daemon returned; undefined if it did not respond. */
let cause;

/** Shows the state of the event stream: 'live', 'away', or 'none' if the view has no stream. */
export function showLink(state, reason) {
  link.dataset.state = state;
  link.hidden = state === 'none';
  if (state === 'away') {
    since ??= new Date();
    cause = reason;
    if (banner.hidden) timer ??= setTimeout(showAway, BANNER_DELAY_MS);
    else showAway();
  } else {
    clearTimeout(timer);
    timer = undefined;
    since = undefined;
    clearFault();
  }
  link.textContent = state === 'none' ? '' : t(`link.${state}`);
}

document.addEventListener('zonechange', () => {
  if (since !== undefined && !banner.hidden) showAway();
});

function showAway() {
  const time = clock(since);
  showFault(cause ? t('link.refused', { time, message: faultText(cause) }) : t('link.gone', { time }));
}

/** Shows an error above the view until clearFault(). */
export function showFault(text) {
  // Screen readers would read the text again.
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = false;
}

/** Hides the error of showFault(), unless the connection is lost. */
export function clearFault() {
  if (since !== undefined) return;
  banner.hidden = true;
  banner.textContent = '';
}
