import { nearest } from './nearest.js';

/** What a command calls its arguments and flags. */
export interface CommandWords {
  /** Lower case. */
  args: string[];
  /** Without dashes. */
  flags: string[];
}

/** What a daemon says of a request, with the words of the command for the field that it begins with: USER, not user_id. */
export function withOwnNames(message: string, { args, flags }: CommandWords): string {
  return message.replace(/^([a-z]+(?:_[a-z]+)*)(?:\[\d+\])?(?= )/, (field, name: string) => {
    const one = name.replace(/_(id|addr)s$/, '_$1');
    const short = one.replace(/_id$/, '');
    if (args.includes(short)) return short.toUpperCase();
    const flag = [one.replaceAll('_', '-'), short].find((word) => flags.includes(word));
    return flag === undefined ? field : `--${flag}`;
  });
}

/** What oclif says of a flag that is none, with the one that was probably meant. */
export function withMeantFlag(message: string, { flags }: CommandWords): string {
  return message.replace(/^(Nonexistent flag: --([\w-]+)); /, (all, said: string, name: string) => {
    const meant = nearest(name, flags);
    return meant === undefined ? all : `${said}: did you mean --${meant}? `;
  });
}
