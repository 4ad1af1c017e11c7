import { type Interfaces, Parser } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { yesOrNo } from '../base/yesOrNo.js';
import { aboutFlag } from './flagFaults.js';

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
  /** True if the source is a context, which `origin` then names. */
  isOfContext?: boolean;
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

/** The setting of the flag that an error is about; undefined if it is about none, or if that is not set. */
export function blamedSetting({ field }: ImstateError, settings: Layer): Setting | undefined {
  const setting = field?.startsWith('--') ? settings.get(field.slice(2)) : undefined;
  return setting?.text === undefined ? undefined : setting;
}

/** The error with the source of the flag that it is about, unless that is the command line. */
export function withOrigins(error: ImstateError, settings: Layer): ImstateError {
  const origin = blamedSetting(error, settings)?.origin;
  if (origin === undefined) return error;
  return error.reworded(`${error.message} (${error.field} is set by ${origin})`);
}

/** The value that oclif would parse on the command line, with its errors. */
async function parseSetting(name: string, flag: FlagTable[string], text: string): Promise<unknown> {
  if (flag.type === 'boolean') return isTrue(name, text);
  const alone = { ...flag, default: undefined, exclusive: [], dependsOn: [] } as FlagTable[string];
  try {
    const { flags } = await Parser.parse([`--${name}=${text}`], { flags: { [name]: alone } });
    return flags[name];
  } catch (error) {
    throw aboutFlag(name, error);
  }
}

function isTrue(name: string, text: string): boolean {
  const said = yesOrNo(text);
  if (said !== undefined) return said;
  const field = `--${name}`;
  throw new ImstateError('WRONG_USAGE', `${field} must be true or false, and is "${text}"`, { field });
}
