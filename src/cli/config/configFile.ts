import { constants, existsSync } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { ownerFault, trustFault } from 'imstate-client/internal/shared/ownership';
import { settingOf, unknownKey } from './keys.js';
import type { FlagTable, Layer } from './settings.js';

/** The config files that `imstate serve` finds in the current directory. */
const CONFIG_NAMES = ['imstate.yaml', 'imstate.yml', 'imstate.json'];
/** The groups of a config file: each kind of command reads its own. */
const CONFIG_GROUPS = ['serve', 'client'] as const;
/** Far more than all keys need: parsing something else would take long. */
const MAX_BYTES = 65_536;
/** The remedy for a file that imstate found by itself. */
const OF_CURRENT_FOLDER = 'name it with --config to use it, or start imstate in another directory';

export type ConfigGroup = (typeof CONFIG_GROUPS)[number];

/** A config file to read. */
export interface ConfigFile {
  path: string;
  /** Whether the user named it. A file that was found must belong to the user or to root. */
  isNamed: boolean;
}

/** The config file in the current directory, if there is one; throws CONFIG_UNUSABLE if there are several. */
export function findConfigFile(): string | undefined {
  const found = CONFIG_NAMES.filter((name) => existsSync(name));
  if (found.length < 2) return found[0] && resolve(found[0]);
  const message = `${found.join(' and ')} are both in this directory: keep one, or name one with --config`;
  throw new ImstateError('CONFIG_UNUSABLE', message);
}

/**
 * The settings in one group of a config file, YAML or JSON (which is YAML too), whose keys are the names of
 * `flags`. The flags check the values. Rejects with CONFIG_UNUSABLE, which names file, line and key.
 */
export async function readConfigFile(file: ConfigFile, group: ConfigGroup, flags: FlagTable): Promise<Layer> {
  const text = await textOf(file);
  // Only commands with a config file wait for the parser to load.
  const { ConfigDocument } = await import('./ConfigDocument.js');
  const document = new ConfigDocument(file.path, text);
  const groups = document.entries();
  const known = ['$schema', ...CONFIG_GROUPS];
  const other = groups.find(({ name }) => !known.includes(name));
  if (other !== undefined) throw unknownKey(other.name, CONFIG_GROUPS, other.location);
  const own = groups.filter(({ name }) => name === group).flatMap((entry) => document.entries(entry));
  return new Map(
    own.map((entry) => [entry.name, settingOf(flags, entry.name, document.valueOf(entry), entry.location)]),
  );
}

async function textOf({ path, isNamed }: ConfigFile): Promise<string> {
  try {
    // A pipe in the current directory would never end.
    const file = await open(path, isNamed ? 'r' : constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      // The owner of a link chooses which file is read.
      const linkFault = isNamed ? undefined : ownerFault(await lstat(path));
      const fault = trustFault(path, await file.stat(), isNamed) ?? linkFault;
      if (fault !== undefined) throw new Error(fault);
      const bytes = await buffer(file.createReadStream({ end: MAX_BYTES, autoClose: false }));
      if (bytes.length <= MAX_BYTES) return bytes.toString();
      throw new Error(`it is larger than ${MAX_BYTES / 1024} KB`);
    } finally {
      await file.close();
    }
  } catch (error) {
    const wayOut = isNamed
      ? 'name another with --config or IMSTATE_CONFIG, or leave it out'
      : OF_CURRENT_FOLDER;
    const message = `the config file ${path} cannot be read (${messageOf(error)}): ${wayOut}`;
    const field = isNamed ? '--config' : undefined;
    throw new ImstateError('CONFIG_UNUSABLE', message, { cause: error, field });
  }
}
