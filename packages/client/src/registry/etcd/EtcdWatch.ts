import { setTimeout as delay } from 'node:timers/promises';
import type { IWatchResponse } from 'etcd3';
import { backoffMs } from '../../shared/backoff.js';
import { messageOf } from '../../shared/errors.js';
import type { Endpoint, RegistryLog, Watch, WatchListener } from '../discovery.js';
import { sameEndpoints, sortEndpoints } from '../entry.js';
import { listEntries, readInto } from './entries.js';
import { registryError } from './faults.js';
import type { EtcdNodes } from './nodes.js';
import { canceled, openWatch } from './watchStream.js';

interface WatchOptions {
  nodes: EtcdNodes;
  service: string;
  log: RegistryLog;
  listener: WatchListener;
}

/** Interval of reading the list beside the stream, which may be silent because etcd is frozen or cut off. */
const COMPARE_MS = 10_000;
/** The stream has already logged broken entries. */
const SILENT: RegistryLog = { info: () => {}, warn: () => {} };

/**
 * Watches the entries of a service: a list, then the changes after its revision. When the stream ends for any
 * reason (restart, compaction, a lost connection), it starts again with a fresh list.
 */
export class EtcdWatch implements Watch {
  readonly #options: WatchOptions;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #delivered: Endpoint[] | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { nodes, service, log, listener } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const { byKey, endpoints, revision } = await listEntries(nodes, service, log);
        if (signal.aborted) return;
        this.#deliver(endpoints);
        const followedAt = performance.now();
        const ending = await this.#follow(byKey, revision);
        // A stream that keeps breaking at once must not be opened again at once.
        failures = performance.now() - followedAt > COMPARE_MS / 2 ? 0 : failures + 1;
        if (ending !== undefined) log.warn(`the watch of etcd starts over: ${ending}`);
        await delay(failures === 0 ? 0 : backoffMs(failures), undefined, { signal }).catch(() => {});
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#delivered = undefined;
        listener.onError(registryError(error));
        await delay(backoffMs(failures), undefined, { signal }).catch(() => {});
      }
    }
  }

  /**
   * Applies changes to `byKey` until the stream breaks or misses a change. Resolves with the reason; with
   * undefined when the watch is closed.
   */
  async #follow(byKey: Map<string, Endpoint>, revision: bigint): Promise<string | undefined> {
    const { nodes, service } = this.#options;
    const stream = await openWatch(nodes, `${service}/`, revision + 1n).catch(messageOf);
    if (typeof stream === 'string') return stream;
    if (this.#stopped.signal.aborted) {
      stream.cancel();
      return undefined;
    }
    const over = new AbortController();
    const stop = () => over.abort();
    this.#stopped.signal.addEventListener('abort', stop, { once: true });
    try {
      return await new Promise<string | undefined>((resolve) => {
        const broken = (error: unknown) => resolve(messageOf(error));
        over.signal.addEventListener('abort', () => resolve(undefined), { once: true });
        stream.on('error', broken).on('end', () => resolve('the stream ended'));
        stream.on('data', (changes: IWatchResponse) => {
          if (changes.canceled) broken(canceled(changes));
          else this.#apply(byKey, changes);
        });
        stream.resume();
        this.#compare(byKey, over.signal).catch(broken);
      });
    } finally {
      over.abort();
      this.#stopped.signal.removeEventListener('abort', stop);
      stream.removeAllListeners('data');
      stream.cancel();
    }
  }

  #apply(byKey: Map<string, Endpoint>, { events }: IWatchResponse): void {
    for (const { type, kv } of events) {
      if (type === 'Delete') byKey.delete(kv.key.toString());
      else readInto(byKey, kv.key.toString(), kv.value.toString(), this.#options.log);
    }
    this.#deliver(sortEndpoints(byKey.values()));
  }

  /** Reads the list periodically; rejects if it cannot be read, or if the stream missed a change. */
  async #compare(byKey: Map<string, Endpoint>, signal: AbortSignal): Promise<void> {
    const { nodes, service } = this.#options;
    while (await delay(COMPARE_MS, true, { signal }).catch(() => false)) {
      const { endpoints } = await listEntries(nodes, service, SILENT);
      if (!sameEndpoints(endpoints, sortEndpoints(byKey.values())))
        throw new Error('the watch missed a change');
    }
  }

  #deliver(endpoints: Endpoint[]): void {
    if (this.#delivered !== undefined && sameEndpoints(this.#delivered, endpoints)) return;
    this.#delivered = endpoints;
    this.#options.listener.onEndpoints(endpoints);
  }
}
