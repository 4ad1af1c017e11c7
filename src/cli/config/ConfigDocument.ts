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
import { type SourceLocation, unusable } from './keys.js';

/** A key with its value. */
export interface Entry {
  name: string;
  node: unknown;
  location: SourceLocation;
}

/** A parsed config file that knows the line of each key. */
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

  /**
   * The keys below an entry, or at the top; none if it is empty. Throws CONFIG_UNUSABLE if it has another
   * value.
   */
  entries(above: Entry = this.#top()): Entry[] {
    const map = this.#target(above);
    if (map === null || (isScalar(map) && map.value === null)) return [];
    if (!isMap(map)) throw unusable(above.location, 'must have keys with values');
    return map.items.map(({ key, value }) => {
      const path = above.name === '' ? String(key) : `${above.location.path}.${key}`;
      return { name: String(key), node: value, location: this.#location(key, path) };
    });
  }

  /** The value of an entry: a boolean, number, string or null; an object for a list or a map. */
  valueOf(entry: Entry): unknown {
    const target = this.#target(entry);
    return isScalar(target) ? target.value : target;
  }

  #top(): Entry {
    const { contents } = this.#document;
    return { name: '', node: contents, location: this.#location(contents, 'a config file') };
  }

  /** The node of an entry, or the one that its alias names. */
  #target({ node, location }: Entry): unknown {
    if (!isAlias(node)) return node;
    const target = node.resolve(this.#document);
    if (target === undefined)
      throw unusable(location, `is an alias without an anchor: define &${node.source} before it`);
    return target;
  }

  #location(node: unknown, path: string): SourceLocation {
    const line = isNode(node) && node.range ? this.#lines.linePos(node.range[0]).line : 1;
    return { file: this.#file, line, path, directory: dirname(this.#file) };
  }
}

function ruleOf({ code, message }: YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: a config file has only one';
  return `this is not YAML or JSON (${message})`;
}
