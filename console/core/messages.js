import chinese from '../lang/zh-CN.messages.js';
import { currentLanguage } from './i18n.js';

const TEMPLATES = { 'zh-CN': chinese.map(([source, target]) => ({ pattern: patternOf(source), target })) };

/** The translation of a text that the daemon wrote in English; undefined if there is none. */
export function translateMessage(text, language = currentLanguage()) {
  for (const { pattern, target } of TEMPLATES[language] ?? []) {
    const values = pattern.exec(text)?.groups;
    if (values === undefined) continue;
    return target.replace(
      /\{(\w+)\}/g,
      (_, name) => translateMessage(values[name], language) ?? values[name],
    );
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
