import { resolve } from 'node:path';
import { fixedEndpoints } from 'imstate-client/internal/connection/discovery';
import { parseEtcdHosts } from 'imstate-client/internal/registry/etcd/hosts';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { ClientCommand } from '../base/ClientCommand.js';
import { WHERE } from './clientSettings.js';
import type { Context } from './contexts.js';
import { keysOf, kindOf, takesPath } from './keys.js';
import { commandLine, type FlagTable } from './settings.js';

/** Flags of `context set`: the connection and --timeout, without defaults and variables. */
export const contextFlags: FlagTable = Object.fromEntries(
  Object.entries(keysOf(ClientCommand.baseFlags)).map(([name, flag]) => [name, withoutDefault(flag)]),
);

/** Under no heading: they are the command's own. */
function withoutDefault(flag: FlagTable[string]): FlagTable[string] {
  const none = { env: undefined, default: undefined, defaultHelp: undefined, helpGroup: undefined };
  return { ...flag, ...none } as unknown as typeof flag;
}

/**
 * The context that a command line describes. Relative paths become absolute. Throws WRONG_USAGE or
 * INVALID_ARGUMENT if no client could use it.
 */
export function contextFrom(argv: readonly string[]): Context {
  const given = [...commandLine(argv, contextFlags)];
  if (!given.some(([name]) => WHERE.some((where) => where === name))) {
    const message = 'a context says where the daemons are: give --endpoint, --etcd or --data-dir';
    throw new ImstateError('WRONG_USAGE', message);
  }
  const { endpoint, etcd } = Object.fromEntries(given.map(([name, { text }]) => [name, text]));
  if (endpoint) fixedEndpoints(endpoint.split(','));
  if (etcd) parseEtcdHosts(etcd);
  return Object.fromEntries(given.map(([name, { text = '' }]) => [name, toValue(name, text)]));
}

function toValue(name: string, text: string): Context[string] {
  const flag = contextFlags[name] as FlagTable[string];
  const kind = kindOf(flag);
  if (kind === 'boolean') return true;
  if (kind === 'integer') return Number(text);
  return takesPath(flag) ? resolve(text) : text;
}
