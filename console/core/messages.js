import chinese from '../lang/zh-CN.messages.js';
import { currentLanguage } from './i18n.js';

const TEMPLATES = { 'zh-CN': chinese.map(([source, target]) => ({ pattern: patternOf(source), target })) };

/**
 * The translation of a text that the daemon wrote in English; undefined if there is none. A value `{asWritten}`
 * comes from a person, and stays.
 */
export function translateMessage(text, language = currentLanguage()) {
  for (const { pattern, target } of TEMPLATES[language] ?? []) {
    const values = pattern.exec(text)?.groups;
    if (values === undefined) continue;
    const translated = (name) =>
      name === 'asWritten' ? undefined : translateMessage(values[name], language);
    return target.replace(/\{(\w+)\}/g, (_, name) => translated(name) ?? values[name]);
  }
  return undefined;
}

function patternOf(template) {
  const parts = template.split(/\{(\w+)\}/);
  const source = parts.map((part, i) => (i % 2 === 0 ? escaped(part) : `(?<${part}>.*?)`));
  // Without any named group, a match would have no `groups`.
  return new RegExp(`^(?<any>)${source.join('')}$`, 's');
}

function escaped(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
