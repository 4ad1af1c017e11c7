import { token } from './api.js';
import { remember, remembered } from './memory.js';

const KEY = 'imstate.searches';
const MAX_SEARCHES = 10;
/** A token of imstate, or a JWT. */
const TOKEN = /^imstate_[\w-]{16,}$|^eyJ[\w-]+\.[\w-]+\.[\w-]*$/;

/** Whether a text is probably a token, which must not get into a URL or the storage of the browser. */
export function isToken(text) {
  return TOKEN.test(text) || (text !== '' && text === token.get());
}

/** The recent searches, latest first: `{ by, text }`. */
export function recentSearches() {
  try {
    const saved = JSON.parse(remembered(KEY) ?? '[]');
    const isSearch = (each) => typeof each?.by === 'string' && typeof each?.text === 'string';
    return Array.isArray(saved) ? saved.filter(isSearch).slice(0, MAX_SEARCHES) : [];
  } catch {
    return [];
  }
}

/** Saves a search in the browser as the latest one. */
export function rememberSearch({ by, text }) {
  const others = recentSearches().filter((each) => each.by !== by || each.text !== text);
  remember(KEY, JSON.stringify([{ by, text }, ...others].slice(0, MAX_SEARCHES)));
}

/** Removes all recent searches. */
export function clearSearches() {
  remember(KEY, '[]');
}
