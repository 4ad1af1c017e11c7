import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { experimental } from '@grpc/grpc-js';
import { formatHostPort, type HostPort } from '../shared/address.js';

/** How often names are resolved again, and at most how often where a connection failed. */
const REFRESH_MS = 30_000;
const MIN_REFRESH_MS = 1_000;
/** How long the addresses of other endpoints wait for a name server that does not answer. */
const LOOKUP_MS = 1_000;

/** The host names by which addresses were found, by `address:port`: certificates are for names. */
export type HostNames = Map<string, string>;

/**
 * Resolves the host names of endpoints to all their addresses, so that calls are spread over them. Left to the connection, a name
 * would be one endpoint, at the first address that answers. Resolves again every 30 s, and when gRPC asks for it after a failure.
 */
export class AddressResolver {
  readonly #onAddresses: (endpoints: experimental.Endpoint[]) => void;
  readonly #names: HostNames;
  /** What each name resolved to last. */
  readonly #known = new Map<string, LookupAddress[]>();
  readonly #pending = new Map<string, Promise<void>>();
  #endpoints: readonly HostPort[] = [];
  #last = '';
  /** Counts lists and refreshes: an answer to an earlier one is out of date. */
  #round = 0;
  #lookedUpAt = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Calls back with the addresses of each new list, and when they have changed; adds to `names`. */
  constructor(onAddresses: (endpoints: experimental.Endpoint[]) => void, names: HostNames) {
    this.#onAddresses = onAddresses;
    this.#names = names;
  }

  /** Takes a new list of endpoints. */
  resolve(endpoints: readonly HostPort[]): void {
    this.#endpoints = endpoints;
    this.#last = '';
    const hosts = this.#hosts();
    // Calls leave an endpoint that is not listed any more at once: names that are known do not wait for the look-up.
    if (hosts.every((host) => this.#known.has(host))) this.#publish();
    if (hosts.length > 0) void this.#lookUp();
  }

  /** Resolves the names again, now or once a second has passed since the last time. */
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

  /** Resolves when the host is known, or after a while: the addresses that come later are published by the next look-up. */
  async #lookUpHost(host: string): Promise<void> {
    let limit: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, LOOKUP_MS);
    });
    await Promise.race([this.#pending.get(host) ?? this.#ask(host), late]);
    clearTimeout(limit);
  }

  /** One question at a time for each host, for each takes a thread. Keeps what is known of a host that cannot be resolved now. */
  #ask(host: string): Promise<void> {
    const asked = lookup(host, { all: true })
      .then(
        (found) => void this.#known.set(host, found),
        () => {},
      )
      .finally(() => this.#pending.delete(host));
    this.#pending.set(host, asked);
    return asked;
  }

  #publish(): void {
    const byAddress = new Map<string, experimental.Endpoint>();
    for (const endpoint of this.#endpoints.flatMap((each) => this.#addressesOf(each)))
      byAddress.set(JSON.stringify(endpoint), endpoint);
    // A name server names addresses in another order each time.
    const found = [...byAddress.keys()].sort().join();
    if (found === this.#last) return;
    this.#last = found;
    this.#onAddresses([...byAddress.values()]);
  }

  /** A name that could not be resolved is left to the connection, whose error says why. */
  #addressesOf({ host, port }: HostPort): experimental.Endpoint[] {
    const found = this.#known.get(host);
    if (isIP(host) !== 0 || found === undefined) return [{ addresses: [{ host, port }] }];
    const addresses = found.map(({ address }) => ({ host: address, port }));
    for (const address of addresses) this.#names.set(formatHostPort(address), host);
    return isDualStack(found) ? [{ addresses }] : addresses.map((address) => ({ addresses: [address] }));
  }
}

/** Whether these are one machine, such as localhost, by IPv4 and IPv6: gRPC then takes whichever answers. */
function isDualStack(found: LookupAddress[]): boolean {
  return found.length === 2 && found[0]?.family !== found[1]?.family;
}
