import { isAbsolute, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { nearest } from '../base/nearest.js';
import { takesDuration } from '../flags/flagTypes.js';
import type { FlagTable, Setting } from './settings.js';

/** Flags of a single call, and flags that say where settings are: they are no keys. */
const NO_KEYS = ['json', 'output', 'config', 'context'];

/** The type of a key, as its flag declares it. */
export type Kind = 'boolean' | 'integer' | 'duration' | 'text';

const takesInteger = Flags.integer().parse;

const RULES: Record<Kind, string> = {
  boolean: 'must be true or false',
  integer: 'must be a whole number',
  duration: 'must be a duration with a unit, such as 500ms, 10s, 3m or 1h',
  text: 'must be a string: put it in quotes',
};
const ONE_VALUE = 'must be a single value, not a list or an object: separate several with commas';

/** The flags that a file can set. */
export function keysOf(flags: FlagTable): FlagTable {
  return Object.fromEntries(Object.entries(flags).filter(([name]) => !NO_KEYS.includes(name)));
}

export function kindOf(flag: FlagTable[string]): Kind {
  if (flag.type === 'boolean') return 'boolean';
  if (flag.parse === takesInteger) return 'integer';
  return flag.parse === takesDuration ? 'duration' : 'text';
}

/** Where a value is set. */
export interface SourceLocation {
  /** The path of the file. */
  file: string;
  line?: number;
  /** The key with its group, such as "serve.port". */
  path: string;
  /** Relative paths among the values are relative to it. */
  directory: string;
}

/** A value of a file as a setting of the flag `name`; throws CONFIG_UNUSABLE. */
export function settingOf(flags: FlagTable, name: string, value: unknown, location: SourceLocation): Setting {
  const keys = keysOf(flags);
  const flag = Object.hasOwn(keys, name) ? keys[name] : undefined;
  if (flag === undefined) throw unknownKey(name, Object.keys(keys), location);
  const kind = kindOf(flag);
  if (value === null) throw unusable(location, 'has no value: give it one, or leave it out');
  if (typeof value === 'object') throw unusable(location, ONE_VALUE);
  if (!isOf(kind, value)) throw unusable(location, RULES[kind]);
  const text = String(value);
  if (hasPassword(text)) throw unusable(location, passwordRule(name, flag.env, Object.keys(keys)));
  const { file, line, path } = location;
  return { text: fromDirectory(flag, text, location.directory), origin: `${path} in ${at(file, line)}` };
}

/** The error of an unknown key, with the key that was probably meant. */
export function unknownKey(name: string, known: readonly string[], location: SourceLocation): ImstateError {
  const meant = nearest(name, known);
  if (meant !== undefined) return unusable(location, `is not a key: did you mean ${meant}?`);
  const files = known.filter((key) => key.endsWith('-file'));
  if (/password|secret|token/i.test(name) && files.length > 0) {
    return unusable(
      location,
      `is not a key: put the secret into a file, and name it with ${files.join(' or ')}`,
    );
  }
  return unusable(location, `is not a key: the keys are ${known.join(', ')}`);
}

/** The error of a key or its value. */
export function unusable(
  { file, line, path }: Omit<SourceLocation, 'directory'>,
  rule: string,
): ImstateError {
  return new ImstateError('CONFIG_UNUSABLE', `${at(file, line)}: ${path} ${rule}`);
}

function at(file: string, line: number | undefined): string {
  return line === undefined ? file : `${file}, line ${line}`;
}

function isOf(kind: Kind, value: unknown): boolean {
  if (kind === 'boolean') return typeof value === 'boolean';
  return kind === 'integer' ? Number.isSafeInteger(value) : typeof value === 'string';
}

/** True for a URL with a password: config files are shared, and kept with the sources. */
function hasPassword(text: string): boolean {
  return /(^|,)\s*[a-z+]+:\/\/[^/@]*:[^/]+@|[?&][a-z-]*password=/i.test(text);
}

function passwordRule(name: string, env: string | undefined, keys: readonly string[]): string {
  const file = keys.find((key) => key.startsWith(name) && key.endsWith('-file'));
  const ways = [env && `set ${env} instead`, file && `name a file that holds it with ${file}`];
  return `contains a password: ${ways.filter(Boolean).join(', or ')}`;
}

/** True if the value of the flag is a file or directory, as its help says. */
export function takesPath(flag: object): boolean {
  const { helpValue } = flag as { helpValue?: unknown };
  return typeof helpValue === 'string' && /^(FILE|DIR)\b/.test(helpValue);
}

/** A path is relative to the file that sets it, because the file can be read from any directory. */
function fromDirectory(flag: FlagTable[string], text: string, directory: string): string {
  if (text === '' || !takesPath(flag) || isAbsolute(text) || URL.canParse(text)) return text;
  return resolve(directory, text);
}
