import { ClientCommand } from '../src/cli/base/ClientCommand.ts';
import type { ConfigGroup } from '../src/cli/config/configFile.ts';
import { keysOf, kindOf } from '../src/cli/config/keys.ts';
import type { FlagTable } from '../src/cli/config/settings.ts';
import { DURATION, formatDuration } from '../src/cli/flags/durations.ts';
import Serve from '../src/commands/serve.ts';

const GROUPS: Record<ConfigGroup, FlagTable> = {
  serve: { ...Serve.baseFlags, ...Serve.flags },
  client: ClientCommand.baseFlags,
};

/** The JSON Schema (draft 7) of config files, generated from the flags of the commands. */
export function configSchema(): object {
  const groups = Object.entries(GROUPS).map(([group, flags]) => [group, groupSchema(flags)]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Config file of imstate',
    type: 'object',
    properties: { $schema: { type: 'string' }, ...Object.fromEntries(groups) },
    additionalProperties: false,
  };
}

function groupSchema(flags: FlagTable): object {
  const keys = Object.entries(keysOf(flags)).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    // A group whose keys are all commented out is null.
    type: ['object', 'null'],
    properties: Object.fromEntries(keys.map(([name, flag]) => [name, keySchema(flag)])),
    additionalProperties: false,
  };
}

/** The properties of flags of all types. */
interface Declared {
  description?: string;
  default?: unknown;
  min?: number;
  max?: number;
  options?: readonly string[];
}

function keySchema(flag: FlagTable[string]): object {
  const { description, default: usual, min, max, options } = flag as Declared;
  switch (kindOf(flag)) {
    case 'boolean':
      return { type: 'boolean', description };
    case 'integer':
      return { type: 'integer', description, minimum: min, maximum: max, default: usual };
    case 'duration': {
      const range = `${formatDuration(min as number)} to ${formatDuration(max as number)}`;
      const texts = { description: `${description} (${range})`, pattern: DURATION.source };
      return {
        type: 'string',
        ...texts,
        default: usual === undefined ? usual : formatDuration(usual as number),
      };
    }
    case 'text':
      return {
        type: 'string',
        description,
        ...(options ? { enum: options } : { minLength: 1 }),
        default: usual,
      };
  }
}
