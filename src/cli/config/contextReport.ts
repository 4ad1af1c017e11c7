import { ImstateError } from 'imstate-client/internal/shared/errors';
import { renderTable } from '../output/style.js';
import { WHERE } from './clientSettings.js';
import type { Context, Contexts } from './contexts.js';

const NAME = /^[\w.-]{1,64}$/;

/** The name of a new context, which the argument `arg` gives; throws WRONG_USAGE. */
export function checkContextName(name: string, arg = 'CONTEXT'): string {
  if (NAME.test(name)) return name;
  throw new ImstateError(
    'WRONG_USAGE',
    `${arg} must be up to 64 letters, digits, dots, dashes and underscores`,
  );
}

/** The name of the current context; throws WRONG_USAGE if there is none. */
export function currentOf({ current }: Contexts): string {
  if (current !== null) return current;
  throw new ImstateError('WRONG_USAGE', 'no context is in use: choose one with imstate context use');
}

/** The contexts as a human-readable table. */
export function contextTable({ current, contexts }: Contexts): string {
  const rows = Object.entries(contexts).map(([name, context]) => [
    [name],
    [name === current ? 'current' : ''],
    [whereOf(context)],
  ]);
  return rows.length === 0 ? 'no contexts' : renderTable([['Context'], ['Use'], ['Daemons']], rows);
}

/** The settings of a context, one a line. */
export function contextLines(context: Context): string[] {
  const width = Math.max(...Object.keys(context).map((key) => key.length));
  return Object.entries(context).map(([key, value]) => `${key.padEnd(width)}  ${value}`);
}

/** Warnings of environment variables that override the context or its settings. */
export function overrideWarnings(name: string, context: Context): string[] {
  const flags = new Set([...WHERE, ...Object.keys(context)]);
  const variables = [...flags].map((flag) => `IMSTATE_${flag.replaceAll('-', '_').toUpperCase()}`);
  const set = variables.filter((variable) => process.env[variable]);
  const { IMSTATE_CONTEXT: chosen } = process.env;
  if (chosen && chosen !== name) set.unshift('IMSTATE_CONTEXT');
  return set.map(
    (variable) => `warning: ${variable} overrides this context: unset it, or use --context ${name}`,
  );
}

function whereOf(context: Context): string {
  const name = WHERE.find((key) => context[key] !== undefined);
  return name === undefined ? '' : `${name} ${context[name]}`;
}
