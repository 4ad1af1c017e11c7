import { isAbsolute } from 'node:path';
import { type Interfaces, Parser } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { yesOrNo } from '../base/yesOrNo.js';

/** Flags of a command, by name. */
export type FlagTable = Interfaces.FlagInput;

/** The value of a flag in one source. */
export interface Setting {
  /** As on the command line; "true" or "false" for a boolean flag; undefined to ignore lower sources. */
  text: string | undefined;
  /**
   * The source location, such as "IMSTATE_PORT" or "serve.port in imstate.yaml, line 3"; undefined for the
   * command line.
   */
  origin: string | undefined;
}

/** The settings of one source, by name of flag. */
export type Layer = ReadonlyMap<string, Setting>;

/**
 * The settings of the command line, read as oclif does: short flags can share a dash, and no flags follow --.
 */
export function commandLine(argv: readonly string[], flags: FlagTable): Layer {
  const layer = new Map<string, Setting>();
  const words = [...argv];
  for (let word = words.shift(); word !== undefined && word !== '--'; word = words.shift()) {
    const found = flagIn(word, flags);
    if (found === undefined) continue;
    const { name, isShort, attached } = found;
    if (flags[name]?.type === 'boolean') {
      layer.set(name, { text: 'true', origin: undefined });
      if (isShort && attached) words.unshift(`-${attached}`);
      continue;
    }
    const [next] = words;
    // oclif rejects a flag as the value of another one.
    const isValue = next !== undefined && flagIn(next, flags) === undefined;
    const text = attached ?? (isValue ? words.shift() : undefined);
    if (text !== undefined) layer.set(name, { text, origin: undefined });
  }
  return layer;
}

interface FoundFlag {
  name: string;
  isShort: boolean;
  /** The rest of the same word: a value, or more short flags. */
  attached: string | undefined;
}

/** The flag that a word of the command line names, if any: "--port=1", "-ojson". */
function flagIn(word: string, flags: FlagTable): FoundFlag | undefined {
  const [, long = '', value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  if (Object.hasOwn(flags, long)) return { name: long, isShort: false, attached: value };
  const [, char, rest] = /^-([^-])(.*)$/s.exec(word) ?? [];
  const short = Object.entries(flags).find(([, flag]) => char !== undefined && flag.char === char);
  return short && { name: short[0], isShort: true, attached: rest ? rest.replace(/^=/, '') : undefined };
}

/**
 * The settings of the environment; an empty variable counts as not set. A variable with a secret itself, such
 * as IMSTATE_TOKEN, overrides the file of it that a lower source names.
 */
export function environment(flags: FlagTable): Layer {
  const layer = new Map<string, Setting>();
  for (const [name, { env = '' }] of Object.entries(flags)) {
    const text = process.env[env];
    const secret = name.endsWith('-file') ? env.replace(/_FILE$/, '') : '';
    if (text) layer.set(name, { text, origin: env });
    else if (process.env[secret]) layer.set(name, { text: undefined, origin: secret });
  }
  return layer;
}

/** For each flag, the setting of the first layer that has it. */
export function merge(...layers: Layer[]): Layer {
  return new Map(layers.toReversed().flatMap((layer) => [...layer]));
}

/** The layers, where only the first one that sets any of these flags keeps them: they are alternatives. */
export function fromFirst(names: readonly string[], layers: Layer[]): Layer[] {
  const first = layers.findIndex((layer) => names.some((name) => layer.has(name)));
  const without = (layer: Layer) => new Map([...layer].filter(([name]) => !names.includes(name)));
  return layers.map((layer, i) => (i === first ? layer : without(layer)));
}

/**
 * The flags with their settings as defaults, which the command line overrides, and without environment
 * variables, which have been read.
 */
export async function withSettings(flags: FlagTable, settings: Layer): Promise<FlagTable> {
  const settled = Object.entries(flags).map(async ([name, { env: _, ...flag }]) => {
    const setting = settings.get(name);
    if (setting?.origin === undefined || setting.text === undefined) return [name, flag];
    return [name, { ...flag, default: await parseSetting(name, flag as FlagTable[string], setting.text) }];
  });
  return Object.fromEntries(await Promise.all(settled));
}

/**
 * The message with the source of each flag that it mentions, by name or by the file in its value, unless that
 * is the command line.
 */
export function withOrigins(message: string, settings: Layer): string {
  const words = message.split(/[\s(),:;]+/);
  const isMentioned = (name: string, text: string) =>
    new RegExp(`--${name}(?![\\w-])`).test(message) || (isAbsolute(text) && words.includes(text));
  const mentioned = [...settings].filter(
    ([name, { text, origin }]) => text !== undefined && origin !== undefined && isMentioned(name, text),
  );
  if (mentioned.length === 0) return message;
  return `${message} (${mentioned.map(([name, { origin }]) => `--${name} is set by ${origin}`).join('; ')})`;
}

/** The value that oclif would parse on the command line, with its errors. */
async function parseSetting(name: string, flag: FlagTable[string], text: string): Promise<unknown> {
  if (flag.type === 'boolean') return isTrue(name, text);
  const alone = { ...flag, default: undefined, exclusive: [], dependsOn: [] } as FlagTable[string];
  const { flags } = await Parser.parse([`--${name}=${text}`], { flags: { [name]: alone } });
  return flags[name];
}

function isTrue(name: string, text: string): boolean {
  const said = yesOrNo(text);
  if (said !== undefined) return said;
  throw new ImstateError('WRONG_USAGE', `--${name} must be true or false, and is "${text}"`);
}
