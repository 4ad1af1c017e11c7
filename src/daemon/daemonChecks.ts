import { credentials } from '@grpc/grpc-js';
import { type Probe, probeEndpoint } from 'imstate-client/internal/connection/probe';
import { TlsCredentials } from 'imstate-client/internal/connection/tlsCredentials';
import type { TlsFiles } from 'imstate-client/internal/tls/names';

const TIMEOUT_MS = 2_000;
/** How long the result of a check is used for further requests. */
const MAX_AGE_MS = 1_000;

/** Checks the health of daemons by gRPC for those who look at them, each at most once a second. */
export class DaemonChecks {
  readonly #tls: TlsFiles | undefined;
  readonly #checks = new Map<string, { startedAt: number; probe: Promise<Probe> }>();

  /** `tls` are the files of this daemon: the others use TLS if it does. */
  constructor(tls: TlsFiles | undefined) {
    this.#tls = tls;
  }

  /** The health of each address. Rejects if TLS cannot be used at all. */
  async check(addrs: string[]): Promise<Map<string, Probe>> {
    for (const addr of this.#checks.keys()) if (!addrs.includes(addr)) this.#checks.delete(addr);
    return new Map(
      await Promise.all(addrs.map(async (addr): Promise<[string, Probe]> => [addr, await this.#check(addr)])),
    );
  }

  #check(addr: string): Promise<Probe> {
    const last = this.#checks.get(addr);
    if (last !== undefined && performance.now() - last.startedAt < MAX_AGE_MS) return last.probe;
    const probe = probeEndpoint(addr, { timeoutMs: TIMEOUT_MS, credentials: this.#credentials() });
    this.#checks.set(addr, { startedAt: performance.now(), probe });
    return probe;
  }

  /**
   * Certificates are not verified: a daemon does not know the CA of the others, and a health check sends
   * nothing secret. Its own certificate is for daemons that require one.
   */
  #credentials() {
    if (this.#tls === undefined) return credentials.createInsecure();
    const { cert, key } = this.#tls;
    return new TlsCredentials({ cert, key }, undefined, false);
  }
}
