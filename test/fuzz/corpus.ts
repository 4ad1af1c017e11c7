import { readFileSync } from 'node:fs';
import type { BytesCase } from './bytes.ts';
import type { CallCase } from './calls.ts';
import type { CommandCase } from './commands.ts';

/** Saved cases, and seeds of runs, that have found a fault. */
export const corpus = {
  calls: read<CallCase>('calls'),
  bytes: read<BytesCase>('bytes'),
  commands: read<CommandCase>('commands'),
  seeds: JSON.parse(textOf('seeds.json')) as number[],
};

function read<Case>(name: string): Case[] {
  return textOf(`${name}.ndjson`)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function textOf(name: string): string {
  return readFileSync(new URL(`corpus/${name}`, import.meta.url), 'utf8');
}
