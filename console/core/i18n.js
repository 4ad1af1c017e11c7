import en from '../lang/en.js';
import zhCN from '../lang/zh-CN.js';
import { remember, remembered } from './memory.js';
import { currentZone } from './zone.js';

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

/** A text as a list of children: values may be elements. */
export function pieces(key, values) {
  const split = DICTIONARIES[language][key].split(/\{(\w+)\}/);
  return split.map((piece, i) => (i % 2 === 0 ? piece : values[piece]));
}

/** A text without the controls that reorder text, also that around a `bdi` element. */
export function ordered(text) {
  return text.replace(/[\u202a-\u202e\u2066-\u2069]/g, '');
}

/** A text from outside for a place without elements: it cannot reorder the text around it. */
export function isolated(text) {
  return `\u2068${ordered(text)}\u2069`;
}

/** Several sentences as one text. */
export function sentences(...texts) {
  return texts.filter(Boolean).join(language === 'en' ? ' ' : '');
}

/** Names as one text, such as "a, b and c". */
export function listed(names) {
  return language === 'en' ? new Intl.ListFormat('en-GB').format(names) : names.join('、');
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

/** A time of day in the current time zone, with the date unless it is today. */
export function clock(time, now = new Date()) {
  const isToday = isoDate(time) === isoDate(now);
  return formatter(isToday ? 'time' : 'dateAndTime', currentZone()).format(time);
}

/** A date and time with its time zone. */
export function fullTime(time, zone = currentZone()) {
  return formatter('full', zone).format(time);
}

/** A date in the current time zone, such as 2026-01-31. */
export function isoDate(time) {
  return formatter('isoDate', currentZone()).format(time);
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
const FORMATS = {
  time: TIME,
  dateAndTime: { month: 'short', day: 'numeric', ...TIME },
  full: { dateStyle: 'medium', timeStyle: 'long' },
  isoDate: { year: 'numeric', month: '2-digit', day: '2-digit' },
};
/** Making a formatter is expensive. */
const formatters = new Map();
const STEPS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

function formatter(format, zone) {
  // The dates of Sweden are those of ISO 8601.
  const locale = format === 'isoDate' ? 'sv-SE' : language;
  const key = [locale, format, zone].join();
  if (!formatters.has(key)) {
    const timeZone = zone === 'utc' ? 'UTC' : undefined;
    formatters.set(key, new Intl.DateTimeFormat(locale, { ...FORMATS[format], timeZone }));
  }
  return formatters.get(key);
}

function use(next) {
  language = next;
  document.documentElement.lang = next;
}
