import { createReadStream, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ImstateError, messageOf } from '../../errors.js';
import { settingOf, unknownKey } from './keys.js';
import type { FlagTable, Layer } from './settings.js';

/** The files that `imstate serve` takes from the current folder. */
const CONFIG_NAMES = ['imstate.yaml', 'imstate.yml', 'imstate.json'];
/** The parts of a config file: who reads which. */
const CONFIG_GROUPS = ['serve', 'client'] as const;
/** Far more than all keys take; to read what is no config file would take long. */
const MOST_BYTES = 65_536;

export type ConfigGroup = (typeof CONFIG_GROUPS)[number];

/** The config file of the current folder, if there is one; throws if there are several. */
export function findConfigFile(): string | undefined {
  const found = CONFIG_NAMES.filter((name) => existsSync(name));
  if (found.length < 2) return found[0] && resolve(found[0]);
  const message = `${found.join(' and ')} are both in this folder: keep one, or name one with --config`;
  throw new ImstateError('CONFIG_UNUSABLE', message);
}

/**
 * The settings in one group of a config file, YAML or JSON (which is YAML too), whose keys are the names of `flags`. The rules of values are
 * those of the flags, and not looked at here. Rejects with CONFIG_UNUSABLE, naming file, line and key.
 */
export async function readConfigFile(file: string, group: ConfigGroup, flags: FlagTable): Promise<Layer> {
  const text = await textOf(file);
  // Only who has such a file waits for the parser to load.
  const { ConfigDocument } = await import('./ConfigDocument.js');
  const document = new ConfigDocument(file, text);
  const groups = document.entries();
  const known = ['$schema', ...CONFIG_GROUPS];
  const other = groups.find(({ name }) => !known.includes(name));
  if (other !== undefined) throw unknownKey(other.name, CONFIG_GROUPS, other.place);
  const own = groups.filter(({ name }) => name === group).flatMap((entry) => document.entries(entry));
  return new Map(
    own.map((entry) => [entry.name, settingOf(flags, entry.name, document.valueOf(entry), entry.place)]),
  );
}

async function textOf(file: string): Promise<string> {
  try {
    const bytes = await buffer(createReadStream(file, { end: MOST_BYTES }));
    if (bytes.length <= MOST_BYTES) return bytes.toString();
    throw new Error(`it is larger than ${MOST_BYTES / 1024} KB`);
  } catch (error) {
    const message = `the config file ${file} cannot be read (${messageOf(error)}): name another with --config or IMSTATE_CONFIG, or leave it out`;
    throw new ImstateError('CONFIG_UNUSABLE', message, { cause: error });
  }
}
