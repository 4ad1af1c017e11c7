import { isUtf8 } from 'node:buffer';
import { buffer } from 'node:stream/consumers';
import type { Policy, PolicyLimit } from 'imstate-client';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { checkPolicy, formatPath, type PolicyPath } from '../../presence/checkPolicy.js';
import { nearest } from '../base/nearest.js';
import { openInput } from './inputFile.js';

/** Many times what the largest policy needs: parsing something else would take long. */
const MAX_BYTES = 65_536;
const KEYS = ['name', 'platforms', 'classes', 'limits', 'exclusive'];
/** What a policy that was printed as JSON has besides. The daemon sets it anew. */
const PRINTED_KEYS = ['version', 'author', 'isDefault'];
const LIMIT_KEYS = ['per', 'class', 'max', 'onConflict'];

/**
 * The policy in a file, YAML or JSON; "-" is stdin. Rejects with WRONG_USAGE if the file cannot be read, and with
 * INVALID_ARGUMENT, which names the line, the key and the rule.
 */
export async function readPolicyFile(file: string): Promise<Policy> {
  return new PolicyFile(file, await readText(file)).read();
}

async function readText(file: string): Promise<string> {
  try {
    const bytes = await buffer(openInput(file));
    if (bytes.length > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES / 1_024} KiB`);
    if (!isUtf8(bytes)) throw new Error('it is not UTF-8');
    return bytes.toString();
  } catch (error) {
    const message = `--file ${file} cannot be read (${messageOf(error)}): name a file, or - for standard input`;
    throw new ImstateError('WRONG_USAGE', message, { cause: error, field: '--file' });
  }
}

class PolicyFile {
  readonly #name: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;

  constructor(file: string, text: string) {
    this.#name = file === '-' ? 'standard input' : file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
  }

  read(): Policy {
    const [fault] = [...this.#document.errors, ...this.#document.warnings];
    if (fault !== undefined) throw this.#invalid(fault.pos[0], ruleOf(fault));
    this.#checkNodes();
    const policy = this.#policy(this.#value());
    let path: PolicyPath = [];
    const format = (checked: PolicyPath) => {
      path = checked;
      return formatPath(checked);
    };
    try {
      return checkPolicy(policy, format);
    } catch (error) {
      throw this.#invalid(this.#offsetOf(path), messageOf(error));
    }
  }

  /** Rejects what the value of the document would not have, or have as something else. */
  #checkNodes(): void {
    visit(this.#document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.#document) !== undefined) return;
        throw this.#invalid(offsetOf(alias), `an alias without an anchor: define &${alias.source} before it`);
      },
      Pair: (_, { key }) => {
        if (isScalar(key) && typeof key.value === 'string') return;
        throw this.#invalid(offsetOf(key), 'a key must be a text: put it in quotes');
      },
    });
  }

  #value(): unknown {
    try {
      return this.#document.toJS();
    } catch (error) {
      // Aliases that name too much.
      throw this.#invalid(0, `this cannot be used (${messageOf(error)})`);
    }
  }

  #policy(value: unknown): Policy {
    const keys = this.#object([], value, [...KEYS, ...PRINTED_KEYS]);
    const { name, platforms, classes, limits, exclusive } = keys;
    if (name === undefined) throw this.#broken([], 'has no name: give it one');
    return {
      name: this.#text(['name'], name),
      platforms: this.#texts(['platforms'], platforms),
      classes: Object.fromEntries(
        Object.entries(this.#object(['classes'], classes)).map(([className, each]) => [
          className,
          this.#texts(['classes', className], each),
        ]),
      ),
      limits: this.#list(['limits'], limits).map((limit, i) => this.#limit(['limits', i], limit)),
      exclusive: this.#list(['exclusive'], exclusive).map((group, i) => this.#texts(['exclusive', i], group)),
    };
  }

  #limit(path: PolicyPath, value: unknown): PolicyLimit {
    const { max, ...words } = this.#object(path, value, LIMIT_KEYS);
    for (const [key, each] of Object.entries({ per: words.per, max, onConflict: words.onConflict }))
      if (each === undefined) throw this.#broken(path, `has no ${key}: give it one`);
    if (typeof max !== 'number') throw this.#broken([...path, 'max'], 'must be a whole number');
    for (const [key, word] of Object.entries(words)) this.#text([...path, key], word);
    // Which words there are is checked with the other rules.
    return { ...words, max } as PolicyLimit;
  }

  #object(path: PolicyPath, value: unknown = {}, keys?: readonly string[]): Record<string, unknown> {
    // Tags of YAML make objects of other kinds.
    if (Object.prototype.toString.call(value) !== '[object Object]')
      throw this.#broken(path, 'must have keys with values');
    const unknown = Object.keys(value as object).find((key) => keys !== undefined && !keys.includes(key));
    if (unknown === undefined) return value as Record<string, unknown>;
    const known = keys?.filter((key) => !PRINTED_KEYS.includes(key)) ?? [];
    const meant = nearest(unknown, known);
    const wayOut = meant === undefined ? `the keys are ${known.join(', ')}` : `did you mean ${meant}?`;
    throw this.#broken([...path, unknown], `is not a key: ${wayOut}`);
  }

  #list(path: PolicyPath, value: unknown = []): unknown[] {
    if (Array.isArray(value)) return value;
    throw this.#broken(path, 'must be a list');
  }

  #texts(path: PolicyPath, value: unknown): string[] {
    return this.#list(path, value).map((text, i) => this.#text([...path, i], text));
  }

  #text(path: PolicyPath, value: unknown): string {
    if (typeof value === 'string') return value;
    throw this.#broken(path, 'must be a text: put it in quotes');
  }

  #broken(path: PolicyPath, rule: string): ImstateError {
    return this.#invalid(this.#offsetOf(path), `${formatPath(path) || 'the policy'} ${rule}`);
  }

  /** The field is the flag: a key of the file may have the name of another flag. */
  #invalid(offset: number, rule: string): ImstateError {
    const line = Math.max(1, this.#lines.linePos(offset).line);
    return new ImstateError('INVALID_ARGUMENT', `${this.#name}, line ${line}: ${rule}`, { field: '--file' });
  }

  /** Where the last part of a path that the file has begins. */
  #offsetOf(path: PolicyPath): number {
    let node: unknown = this.#document.contents;
    let offset = offsetOf(node);
    for (const key of path) {
      const target = isAlias(node) ? node.resolve(this.#document) : node;
      const pair = isMap(target) ? target.items.find((each) => String(each.key) === String(key)) : undefined;
      const found = isSeq(target) ? target.items[Number(key)] : pair?.key;
      if (!isNode(found)) break;
      offset = offsetOf(found);
      node = pair === undefined ? found : pair.value;
    }
    return offset;
  }
}

function offsetOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function ruleOf({ code, message }: YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: a file has one policy';
  if (code === 'DUPLICATE_KEY') return 'this key is there already: keep one of them';
  return `this is not YAML or JSON (${message})`;
}
