import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { experimental } from '@grpc/grpc-js';
import { formatHostPort, type HostPort } from '../shared/address.js';

/** Interval of resolving names again, and its minimum after a failed connection. */
const REFRESH_MS = 30_000;
const MIN_REFRESH_MS = 1_000;
/** How long other endpoints wait for a name server that does not answer. */
const LOOKUP_TIMEOUT_MS = 1_000;

/** The host name of each resolved `address:port`, because certificates are for names. */
export type HostNames = Map<string, string>;

/**
 * Resolves the host names of endpoints to all their addresses, so that calls are balanced over them.
 * Otherwise gRPC would use only the first address of a name that responds. Resolves again every 30 s, and
 * when gRPC requests it after a failure.
 */
export class AddressResolver {
  readonly #onAddresses: (endpoints: experimental.Endpoint[]) => void;
  readonly #names: HostNames;
  /** The last addresses of each name. */
  readonly #known = new Map<string, LookupAddress[]>();
  readonly #pending = new Map<string, Promise<void>>();
  #endpoints: readonly HostPort[] = [];
  #last = '';
  /** The number of lists and refreshes: a response to an earlier one is out of date. */
  #round = 0;
  #lookedUpAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Calls `onAddresses` for each new list, and when addresses have changed. Adds to `names`. */
  constructor(onAddresses: (endpoints: experimental.Endpoint[]) => void, names: HostNames) {
    this.#onAddresses = onAddresses;
    this.#names = names;
  }

  /** Sets a new list of endpoints. */
  resolve(endpoints: readonly HostPort[]): void {
    this.#endpoints = endpoints;
    this.#last = '';
    const hosts = this.#hosts();
    // An endpoint that is no longer listed gets no more calls at once: known names do not wait for the
    // lookup.
    if (hosts.every((host) => this.#known.has(host))) this.#publish();
    if (hosts.length > 0) void this.#lookUp();
  }

  /** Resolves the names again, at most once a second. */
  refresh(): void {
    if (this.#hosts().length === 0) return;
    this.#schedule(Math.max(0, this.#lookedUpAt + MIN_REFRESH_MS - performance.now()));
  }

  close(): void {
    this.#round += 1;
    clearTimeout(this.#timer);
  }

  #hosts(): string[] {
    return this.#endpoints.map(({ host }) => host).filter((host) => isIP(host) === 0);
  }

  #schedule(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#lookUp(), waitMs).unref();
  }

  async #lookUp(): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    this.#lookedUpAt = performance.now();
    this.#schedule(REFRESH_MS);
    await Promise.all([...new Set(this.#hosts())].map((host) => this.#lookUpHost(host)));
    if (round === this.#round) this.#publish();
  }

  /**
   * Resolves when the host is known, or after the timeout. The next lookup publishes addresses that arrive
   * later.
   */
  async #lookUpHost(host: string): Promise<void> {
    let limit: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, LOOKUP_TIMEOUT_MS);
    });
    await Promise.race([this.#pending.get(host) ?? this.#query(host), late]);
    clearTimeout(limit);
  }

  /** One query at a time for each host, because each occupies a thread. Keeps the addresses if it fails. */
  #query(host: string): Promise<void> {
    const query = lookup(host, { all: true })
      .then(
        (found) => void this.#known.set(host, found),
        () => {},
      )
      .finally(() => this.#pending.delete(host));
    this.#pending.set(host, query);
    return query;
  }

  #publish(): void {
    const byAddress = new Map<string, experimental.Endpoint>();
    for (const endpoint of this.#endpoints.flatMap((each) => this.#addressesOf(each)))
      byAddress.set(JSON.stringify(endpoint), endpoint);
    // A name server returns addresses in varying order.
    const found = [...byAddress.keys()].sort().join();
    if (found === this.#last) return;
    this.#last = found;
    this.#onAddresses([...byAddress.values()]);
  }

  /** A name that cannot be resolved goes to the connection, whose error says why. */
  #addressesOf({ host, port }: HostPort): experimental.Endpoint[] {
    const found = this.#known.get(host);
    if (isIP(host) !== 0 || found === undefined) return [{ addresses: [{ host, port }] }];
    const addresses = found.map(({ address }) => ({ host: address, port }));
    for (const address of addresses) this.#names.set(formatHostPort(address), host);
    return isDualStack(found) ? [{ addresses }] : addresses.map((address) => ({ addresses: [address] }));
  }
}

/**
 * Whether these are the IPv4 and the IPv6 address of one host, such as localhost: gRPC uses whichever
 * responds.
 */
function isDualStack(found: LookupAddress[]): boolean {
  return found.length === 2 && found[0]?.family !== found[1]?.family;
}
