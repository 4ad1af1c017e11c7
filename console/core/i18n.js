import en from '../lang/en.js';
import zhCN from '../lang/zh-CN.js';
import { remember, remembered } from './memory.js';

const DICTIONARIES = { en, 'zh-CN': zhCN };
const KEY = 'imstate.language';

let language = 'en';

/** Uses the saved language, or else that of the browser. */
export function startLanguage() {
  const preferred = navigator.language?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
  const before = remembered(KEY);
  use(before in DICTIONARIES ? before : preferred);
  return language;
}

/** Changes and saves the language. */
export function setLanguage(next) {
  remember(KEY, next);
  use(next);
}

/** The current language, such as `zh-CN`. */
export function currentLanguage() {
  return language;
}

/** A text in the current language, with values for each `{name}`, and the plural form for `count`. */
export function t(key, values = {}) {
  const words = DICTIONARIES[language];
  const form = 'count' in values && `${key}.${new Intl.PluralRules(language).select(values.count)}`;
  const text = (form && (words[form] ?? words[`${key}.other`])) || words[key];
  if (text === undefined) throw new Error(`no text ${key} in ${language}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === 'number' ? number(value) : String(value);
  });
}

/** Whether a text exists. */
export function has(key) {
  return key in DICTIONARIES[language];
}

/** Sets the texts of all elements with a text name. */
export function translate(root) {
  for (const element of root.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll('[data-t-label]')) {
    element.setAttribute('aria-label', t(element.dataset.tLabel));
    if (element.matches('button, select')) element.title = element.ariaLabel;
  }
}

/** A number with separators. */
export function number(value) {
  return new Intl.NumberFormat(language).format(value);
}

/** A time of day, with the date unless it is today. */
export function clock(time, now = new Date()) {
  const isToday = time.toDateString() === now.toDateString();
  const date = isToday ? {} : { month: 'short', day: 'numeric' };
  return new Intl.DateTimeFormat(language, { ...date, ...TIME }).format(time);
}

/** A date and time with time zone. */
export function fullTime(time) {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'long' }).format(time);
}

/** A relative time, such as "3 minutes ago". */
export function ago(time, now = Date.now()) {
  const seconds = Math.round((time.getTime() - now) / 1_000);
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ['second', 1];
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.trunc(seconds / size), unit);
}

/** A duration in its two largest units, such as "2 h 5 min". */
export function duration(ms) {
  let left = Math.max(0, Math.round(ms / 1_000));
  const parts = [];
  for (const [unit, size] of STEPS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 || (unit === 'second' && parts.length === 0)) parts.push(t(`unit.${unit}`, { n: count }));
  }
  return parts.slice(0, 2).join(' ');
}

const TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
const STEPS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

function use(next) {
  language = next;
  document.documentElement.lang = next;
}
