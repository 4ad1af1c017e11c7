import type { Command } from '@oclif/core';
import { PRESETS } from '../../presence/policyPresets.js';
import { takesPath } from '../config/keys.js';

/** What can follow `imstate` and some words. */
export interface Completion {
  /** The next words with their summaries, at the top and after a topic. */
  words: { word: string; summary: string }[];
  /** The first argument; the others can be anything. */
  argument: Value;
  flags: CompletedFlag[];
}

/** A value: a word is one of `options`, a context is a name of one. */
export interface Value {
  takes: 'nothing' | 'word' | 'context' | 'file' | 'directory' | 'anything';
  options: readonly string[];
}

/** A flag and its value. */
export interface CompletedFlag extends Value {
  name: string;
  /** Its short form, without the dash. */
  char: string | undefined;
  description: string;
}

/** Prints the names of the contexts, one per line: the first column of the table, in every shell. */
export const LIST_CONTEXTS =
  "imstate context list -o text 2>/dev/null | sed -n '2,$s/^\\([A-Za-z0-9_.-]*\\) .*/\\1/p'";

/** Values of flags that take others too. */
const SUGGESTIONS: Readonly<Record<string, string[]>> = { policy: PRESETS.map(({ name }) => name) };

const ANYTHING: Value = { takes: 'anything', options: [] };

interface Topic {
  name: string;
  description?: string | undefined;
}

/** What can follow each command and topic, by their words; "" is the top. */
export function completions(
  commands: readonly Command.Loadable[],
  topics: readonly Topic[],
): Map<string, Completion> {
  const table = new Map<string, Completion>([['', { words: [], argument: ANYTHING, flags: [] }]]);
  const add = (id: string, summary: string, argument: Value, flags: CompletedFlag[]) => {
    const words = id.split(':');
    const before = words.slice(0, -1).join(' ');
    table.set(words.join(' '), { words: [], argument, flags });
    table.get(before)?.words.push({ word: words.at(-1) as string, summary });
  };
  const shown = commands.filter(({ hidden }) => !hidden).sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const { name, description = '' } of topics) {
    if (shown.some(({ id }) => id.startsWith(`${name}:`))) add(name, firstLine(description), ANYTHING, []);
  }
  for (const { id, summary, description = '', args, flags } of shown) {
    const [first] = Object.values(args);
    const offered = Object.values(flags).filter(({ hidden }) => !hidden);
    add(id, firstLine(summary ?? description), first ? toValue(first) : ANYTHING, offered.map(toFlag));
  }
  return table;
}

function toFlag(flag: Command.Flag.Cached): CompletedFlag {
  const { name, char, summary, description = '' } = flag;
  const value: Value = flag.type === 'boolean' ? { takes: 'nothing', options: [] } : toValue(flag);
  return { name, char, description: firstLine(summary ?? description), ...value };
}

function toValue(argument: Command.Flag.Cached | Command.Arg.Cached): Value {
  const options = ('options' in argument && argument.options) || SUGGESTIONS[argument.name] || [];
  if (options.length > 0) return { takes: 'word', options };
  if (argument.name === 'context') return { takes: 'context', options };
  if (!takesPath(argument)) return ANYTHING;
  return { takes: 'helpValue' in argument && argument.helpValue === 'DIR' ? 'directory' : 'file', options };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string;
}
