import type { Etcd3 } from 'etcd3';
import { ImstateError, messageOf } from '../../errors.js';
import { oneSided, plainReason, type TlsPeer, tlsFault } from '../../tls/faults.js';
import { TLS_NAMES } from '../../tls/names.js';
import { parseEntry, sortEndpoints } from '../entry.js';
import type { Endpoint, RegistryLog } from '../registry.js';

/** Longest wait for one answer of etcd. */
const ETCD_CALL_MS = 2_000;

/** Call options with the deadline of one call. */
export function callDeadline(): { deadline: number } {
  return { deadline: Date.now() + ETCD_CALL_MS };
}

/** The key of an entry. */
export function entryKey(service: string, addr: string): string {
  return `${service}/${addr}`;
}

/** The entries of a service by key, and the revision of etcd at which they stood. */
export interface Listing {
  byKey: Map<string, Endpoint>;
  endpoints: Endpoint[];
  revision: bigint;
}

/** Reads all entries of a service at once. */
export async function listEntries(client: Etcd3, service: string, log: RegistryLog): Promise<Listing> {
  const answer = await client
    .getAll()
    .prefix(`${service}/`)
    .options(callDeadline())
    .exec()
    .catch((error) => {
      throw registryError(error);
    });
  const byKey = new Map<string, Endpoint>();
  for (const { key, value } of answer.kvs) readInto(byKey, key.toString(), value.toString(), log);
  return { byKey, endpoints: sortEndpoints(byKey.values()), revision: BigInt(answer.header.revision) };
}

/** Takes an entry over, or warns of it and leaves it out. */
export function readInto(byKey: Map<string, Endpoint>, key: string, value: string, log: RegistryLog): void {
  const entry = parseEntry(value);
  if ('broken' in entry) {
    byKey.delete(key);
    log.warn(`etcd entry ${JSON.stringify(key)} is ignored: ${entry.broken}`);
  } else {
    byKey.set(key, entry);
  }
}

const ETCD: TlsPeer = {
  ...TLS_NAMES.etcd,
  who: 'etcd',
  secure: `write https:// in --etcd if it speaks TLS, and give ${TLS_NAMES.etcd.cert} if it asks for a certificate`,
  plain: 'write http:// instead of https:// in --etcd',
  otherName: 'name it in --etcd by a host that the certificate is for',
};

/** The registry's error for whatever etcd3 rejects with. */
export function registryError(error: unknown): ImstateError {
  if (error instanceof ImstateError) return error;
  const reason = plainReason(
    messageOf(error)
      .replace(/^\d+ [A-Z_]+: /, '')
      .replace(/^.*Last error: (?:Error: )?(.*?)\.? Resolution note.*$/s, '$1')
      .replace(/^null$/, 'no connection'),
  );
  const fault = tlsFault(reason, ETCD);
  if (fault !== undefined) return new ImstateError('TLS_FAILED', fault, { cause: error });
  if (/authentication failed|permission denied|invalid auth token|user name is empty/i.test(reason)) {
    const message = `etcd refused the credentials (${reason}): check --etcd-user and its password`;
    return new ImstateError('UNAUTHENTICATED', message, { cause: error });
  }
  if (/authentication is not enabled/i.test(reason)) {
    const message = 'etcd has no authentication: leave --etcd-user and its password out';
    return new ImstateError('UNAUTHENTICATED', message, { cause: error });
  }
  if (/deadline exceeded/i.test(reason)) {
    const message = `etcd does not answer within ${ETCD_CALL_MS} ms: look after it, or correct --etcd`;
    return new ImstateError('REGISTRY_UNAVAILABLE', message, { cause: error });
  }
  return new ImstateError(
    'REGISTRY_UNAVAILABLE',
    `etcd cannot be reached (${reason}): start it, or correct --etcd${oneSided(reason, ETCD)}`,
    { cause: error },
  );
}
