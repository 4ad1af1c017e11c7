import type { Interfaces } from '@oclif/core';

type FlagTable = Interfaces.FlagInput;

/** The flag that an error of a parser is about: oclif's own errors do not carry it. */
const flagsOfErrors = new WeakMap<object, string>();

/** What a parser of the flag has thrown, which {@link flagOf} then knows. */
export function aboutFlag(name: string, thrown: unknown): unknown {
  if (thrown instanceof Error) flagsOfErrors.set(thrown, `--${name}`);
  return thrown;
}

/** The flag whose value was rejected with this error, such as `--port`; undefined if that is not known. */
export function flagOf(error: Error): string | undefined {
  return flagsOfErrors.get(error);
}

/** The flags, with parsers whose errors {@link flagOf} knows. */
export function withKnownFaults(flags: FlagTable): FlagTable {
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => {
      if (flag.type !== 'option') return [name, flag];
      const parse: typeof flag.parse = async (input, context, options) => {
        try {
          return await flag.parse(input, context, options);
        } catch (error) {
          throw aboutFlag(name, error);
        }
      };
      return [name, { ...flag, parse }];
    }),
  );
}
