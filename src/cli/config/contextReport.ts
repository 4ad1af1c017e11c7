import { ImstateError } from 'imstate-client/internal/shared/errors';
import { renderTable } from '../output/style.js';
import { WHERE } from './clientSettings.js';
import type { Context, Contexts } from './contexts.js';

const NAME = /^[\w.-]{1,64}$/;

/** The name of a context that is to be made; throws WRONG_USAGE. */
export function checkContextName(name: string): string {
  if (NAME.test(name)) return name;
  throw new ImstateError(
    'WRONG_USAGE',
    'CONTEXT must be up to 64 letters, digits, dots, dashes and underscores',
  );
}

/** The contexts as a table, for people. */
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

/** Warnings of variables that go before a context, so that it counts for less than it says. */
export function overrideWarnings(name: string, context: Context): string[] {
  const flags = new Set([...WHERE, ...Object.keys(context)]);
  const variables = [...flags].map((flag) => `IMSTATE_${flag.replaceAll('-', '_').toUpperCase()}`);
  return variables
    .filter((variable) => process.env[variable])
    .map((variable) => `warning: ${variable} is set, and goes before it: unset it, or use --context ${name}`);
}

function whereOf(context: Context): string {
  const name = WHERE.find((key) => context[key] !== undefined);
  return name === undefined ? '' : `${name} ${context[name]}`;
}
