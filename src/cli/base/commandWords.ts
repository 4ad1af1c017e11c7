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
  resume_revision: 'resume',
  page_size: 'limit',
};
/** A field that a message begins with, or one of several words anywhere: "session.user_id", "server_addrs[0]". */
const FIELD =
  /(?:^(?:sessions?(?:\[\d+\])?\.)?[a-z]+(?:_[a-z]+)*|(?<![\w".-])[a-z]+(?:_[a-z]+)+)(?:\[\d+\])?(?=[ ,:;]|$)/g;

/** What a daemon says of a request, with the words of the command for the fields that it names: USER, not user_id. */
export function withOwnNames(message: string, words: CommandWords): string {
  return message.replace(FIELD, (field) => wordFor(field, words) ?? field).replace(POLICY, policyWord);
}

function wordFor(field: string, { args, flags }: CommandWords): string | undefined {
  const one = field
    .replace(/^.*\./, '')
    .replace(/\[\d+\]$/, '')
    .replace(/_(id|addr)s$/, '_$1');
  const short = one.replace(/_id$/, '');
  if (args.includes(short)) return short.toUpperCase();
  const flag = [one.replaceAll('_', '-'), short, FLAGS[one]].find((name) => name && flags.includes(name));
  return flag === undefined ? undefined : `--${flag}`;
}

/** A login policy as the wire names it. */
const POLICY = /\bLOGIN_POLICY_([A-Z_]+)/g;

function policyWord(_: string, word: string): string {
  return `--policy ${word.toLowerCase().replaceAll('_', '-')}`;
}

/** The same with the keys of a record of a batch: userId, not user_id. */
export function withKeys(message: string, keys: readonly string[]): string {
  return message.replace(FIELD, (field) => {
    const camelCase = field.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return [camelCase, FLAGS[field]].find((key) => key && keys.includes(key)) ?? field;
  });
}

/** What oclif says of a flag that is none, with the one that was probably meant. */
export function withMeantFlag(message: string, { flags }: CommandWords): string {
  return message.replace(/^(Nonexistent flag: --([\w-]+)); /, (all, said: string, name: string) => {
    const meant = nearest(name, flags);
    return meant === undefined ? all : `${said}: did you mean --${meant}? `;
  });
}
