import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { trusted } from 'imstate-client/internal/shared/ownership';
import { readRegularText } from 'imstate-client/internal/shared/regularFile';
import { nearest } from '../base/nearest.js';
import { replaceFile } from '../input/replaceFile.js';
import { settingOf } from './keys.js';
import type { FlagTable, Layer } from './settings.js';

/** Where the daemons of a cluster are, and how to call them: values of flags, by name. */
export type Context = Record<string, string | number | boolean>;

/** The content of the file of contexts. It is JSON, which loads no parser. */
export interface Contexts {
  /** The name of the current context. */
  current: string | null;
  contexts: Record<string, Context>;
}

/** The file of contexts in the configuration directory of this user. */
export function contextsFile(configDir: string): string {
  return join(configDir, 'contexts.json');
}

/**
 * The contexts of a file; throws CONFIG_UNUSABLE. None if there is no file, as for services with /dev/null as
 * home, or if this user cannot enter its directory, as with a HOME of root that `setpriv` and containers
 * keep.
 */
export function readContexts(file: string): Contexts {
  try {
    if (!canBeSeen(file)) return parse('');
    return parse(readRegularText(file, trusted(file, false)));
  } catch (error) {
    throw unusable(file, error);
  }
}

function canBeSeen(file: string): boolean {
  try {
    statSync(file);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Replaces the file of contexts atomically, for this user alone; rejects with CONFIG_UNUSABLE. */
export async function changeContexts(file: string, change: (contexts: Contexts) => Contexts): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await replaceFile(file, (text) => `${JSON.stringify(change(parse(text)), null, 2)}\n`);
  } catch (error) {
    throw error instanceof ImstateError ? error : unusable(file, error, remedyOf(error));
  }
}

/** The context of this name; throws CONFIG_UNUSABLE if there is none. */
export function contextOf({ contexts }: Contexts, name: string, file: string): Context {
  const context = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (context !== undefined) return context;
  const names = Object.keys(contexts);
  const meant = nearest(name, names);
  const known = names.length === 0 ? 'there are none yet' : `the contexts are ${names.join(', ')}`;
  const hint = meant ? `did you mean ${meant}?` : `${known}; create it with imstate context set ${name}`;
  throw new ImstateError('CONFIG_UNUSABLE', `${file} has no context "${name}": ${hint}`);
}

/**
 * The contexts with one of them renamed, in the same order. Throws CONFIG_UNUSABLE if it is unknown, and
 * INVALID_ARGUMENT if the new name is in use.
 */
export function renamed(all: Contexts, from: string, to: string, file: string): Contexts {
  contextOf(all, from, file);
  if (Object.hasOwn(all.contexts, to)) {
    const message = `${file} already has a context "${to}": choose another name, or remove it first`;
    throw new ImstateError('INVALID_ARGUMENT', message);
  }
  const entries = Object.entries(all.contexts);
  const contexts = Object.fromEntries(entries.map(([name, context]) => [name === from ? to : name, context]));
  return { current: all.current === from ? to : all.current, contexts };
}

/** A context as settings of flags; throws CONFIG_UNUSABLE. */
export function contextLayer(context: Context, name: string, file: string, flags: FlagTable): Layer {
  const settings = Object.entries(context).map(([key, value]) => {
    const location = { file, path: `${key} of context "${name}"`, directory: dirname(file) };
    return [key, { ...settingOf(flags, key, value, location), isOfContext: true }] as const;
  });
  return new Map(settings);
}

function parse(text: string): Contexts {
  if (text === '') return { current: null, contexts: {} };
  const { current = null, contexts = {} } = JSON.parse(text) ?? {};
  const isWhole =
    (current === null || typeof current === 'string') &&
    isObject(contexts) &&
    Object.values(contexts).every(isObject);
  if (!isWhole) throw new Error('it must be {"current": NAME, "contexts": {NAME: {…}}}');
  return { current, contexts: contexts as Contexts['contexts'] };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The remedy for a failed system call; undefined if the content of the file is wrong. */
function remedyOf(error: unknown): string | undefined {
  const isOfSystem = error instanceof Error && (error as NodeJS.ErrnoException).syscall !== undefined;
  return isOfSystem ? 'set XDG_CONFIG_HOME to a directory that this user can write to' : undefined;
}

function unusable(
  file: string,
  error: unknown,
  remedy = 'correct it, or remove it and create them again',
): ImstateError {
  const message = `the file of contexts ${file} cannot be used (${messageOf(error)}): ${remedy}`;
  return new ImstateError('CONFIG_UNUSABLE', message, { cause: error });
}
