import type { Interfaces } from '@oclif/core';

type FlagTable = Interfaces.FlagInput;

/** Marks a value that begins with a dash. A NUL occurs in no word of a command line. */
const MARK = '\0';

/**
 * The words of a command line with the values of --FLAG=-VALUE marked: oclif takes a value that begins with a
 * short flag, such as a session ID "-eX9…", for that flag. See {@link readDashedValues}.
 */
export function markDashedValues(argv: readonly string[], flags: FlagTable): string[] {
  const end = argv.indexOf('--');
  return argv.map((word, i) => {
    if (end !== -1 && i > end) return word;
    const [, name = '', value] = /^--([^=]+)=(-.*)$/s.exec(word) ?? [];
    const isValue = Object.hasOwn(flags, name) && flags[name]?.type === 'option';
    return isValue ? `--${name}=${MARK}${value}` : word;
  });
}

/** The flags, which parse marked values without the mark. */
export function readDashedValues(flags: FlagTable): FlagTable {
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => {
      if (flag.type !== 'option') return [name, flag];
      const parse: typeof flag.parse = (input, context, options) =>
        flag.parse(input.startsWith(MARK) ? input.slice(MARK.length) : input, context, options);
      return [name, { ...flag, parse }];
    }),
  );
}
