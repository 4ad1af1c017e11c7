import type { ImstateError } from 'imstate-client/internal/shared/errors';
import { camelCase, withFieldNamed } from 'imstate-client/internal/shared/fieldNames';
import { nearest } from './nearest.js';

/** What a command calls its arguments and flags. */
export interface CommandWords {
  /** Lower case. */
  args: string[];
  /** Without dashes. */
  flags: string[];
}

/** Flags that are not named like the field that they fill. */
const FLAGS: Readonly<Record<string, string>> = {
  time_to_live: 'ttl',
  login_policy: 'policy',
  server_incarnation: 'incarnation',
  server_addr: 'server',
  user_id_prefix: 'user-prefix',
  resume_revision: 'resume',
  reason_text: 'reason',
  page_size: 'limit',
  endpoints: 'endpoint',
  dataDir: 'data-dir',
  tokenFile: 'token-file',
};

/** The error with the command's own word for the field that it is about: USER, not user_id. */
export function inWordsOf(error: ImstateError, words: CommandWords): ImstateError {
  return withFieldNamed(error, error.field && wordFor(error.field, words));
}

/** The same with the key of a record of a batch: userId, not user_id. */
export function inKeys(error: ImstateError, keys: readonly string[]): ImstateError {
  return withFieldNamed(error, error.field && keyFor(error.field, keys));
}

function wordFor(field: string, { args, flags }: CommandWords): string | undefined {
  const one = lastPart(field)
    .replace(/\[\d+\]$/, '')
    .replace(/_(id|addr)s$/, '_$1');
  const short = one.replace(/_(id|addr)$/, '');
  if (args.includes(short)) return short.toUpperCase();
  const flag = [one.replaceAll('_', '-'), short, FLAGS[one]].find((name) => name && flags.includes(name));
  return flag === undefined ? undefined : `--${flag}`;
}

/** The name of a field of a nested message, without those of the messages. */
function lastPart(field: string): string {
  return field.replace(/^.*\./, '');
}

function keyFor(field: string, keys: readonly string[]): string | undefined {
  const one = lastPart(field);
  return [camelCase(one), FLAGS[one]].find((key) => key && keys.includes(key));
}

/** What oclif says of an unknown flag, with the one that was probably meant. */
export function withMeantFlag(message: string, { flags }: CommandWords): string {
  return message.replace(/^(Nonexistent flag: --([\w-]+)); /, (all, said: string, name: string) => {
    const meant = nearest(name, flags);
    return meant === undefined ? all : `${said}: did you mean --${meant}? `;
  });
}
