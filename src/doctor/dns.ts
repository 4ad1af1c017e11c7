import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type ErrorCode, ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { type Finding, ok, skipped } from './check.js';

/** Resolves each name; throws an error with `code` for a name that is unknown. */
export async function resolveHosts(hosts: string[], flag: string, code: ErrorCode): Promise<Finding> {
  const names = [...new Set(hosts.filter((host) => isIP(host) === 0))];
  if (names.length === 0) return skipped(`${flag} has IP addresses only`);
  const found = await Promise.all(
    names.map(async (name) => {
      const addresses = await lookup(name, { all: true }).catch((error) => {
        const rule = `the name ${name} is not known here (${messageOf(error)})`;
        throw new ImstateError(code, `${rule}: correct ${flag}, or the DNS of this machine`);
      });
      return `${name} is ${addresses.map(({ address }) => address).join(', ')}`;
    }),
  );
  return ok(found.join('; '));
}
