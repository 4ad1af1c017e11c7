import { dirname } from 'node:path';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { type LogPosition, unusable } from './keys.js';

/** A key with what stands there. */
export interface Entry {
  name: string;
  node: unknown;
  place: LogPosition;
}

/** The text of a config file, with the lines that things stand in. */
export class ConfigDocument {
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;

  /** Throws CONFIG_UNUSABLE if the text is neither YAML nor JSON. */
  constructor(file: string, text: string) {
    this.#file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const [fault] = [...this.#document.errors, ...this.#document.warnings];
    if (fault === undefined) return;
    const { line } = this.#lines.linePos(fault.pos[0]);
    throw new ImstateError('CONFIG_UNUSABLE', `${file}, line ${line}: ${ruleOf(fault)}`);
  }

  /** The keys under an entry, or at the top; none under nothing. Throws CONFIG_UNUSABLE if something else stands there. */
  entries(above: Entry = this.#top()): Entry[] {
    const map = this.#target(above);
    if (map === null || (isScalar(map) && map.value === null)) return [];
    if (!isMap(map)) throw unusable(above.place, 'must have keys with values');
    return map.items.map(({ key, value }) => {
      const path = above.name === '' ? String(key) : `${above.place.path}.${key}`;
      return { name: String(key), node: value, place: this.#place(key, path) };
    });
  }

  /** What stands at an entry: a boolean, number, text or null; something else for a list and for an object. */
  valueOf(entry: Entry): unknown {
    const target = this.#target(entry);
    return isScalar(target) ? target.value : target;
  }

  #top(): Entry {
    const { contents } = this.#document;
    return { name: '', node: contents, place: this.#place(contents, 'a config file') };
  }

  /** The node of an entry, or what it is an alias of. */
  #target({ node, place }: Entry): unknown {
    if (!isAlias(node)) return node;
    const target = node.resolve(this.#document);
    if (target === undefined)
      throw unusable(place, `is an alias of nothing: &${node.source} must stand before it`);
    return target;
  }

  #place(node: unknown, path: string): LogPosition {
    const line = isNode(node) && node.range ? this.#lines.linePos(node.range[0]).line : 1;
    return { file: this.#file, line, path, folder: dirname(this.#file) };
  }
}

function ruleOf({ code, message }: YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: a config file is one';
  return `this is no YAML or JSON (${message})`;
}
