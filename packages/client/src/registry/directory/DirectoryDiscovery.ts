import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ImstateError, messageOf } from '../../shared/errors.js';
import { readRegularText } from '../../shared/regularFile.js';
import type {
  Endpoint,
  RegistryLog,
  RegistryOptions,
  ServiceDiscovery,
  Watch,
  WatchListener,
} from '../discovery.js';
import { parseEntry, sameEndpoints, sortEndpoints } from '../entry.js';
import { parseStoreId, type StoreIds } from '../storeIds.js';
import { addrOf, directoryUnavailable, ENTRY_SUFFIX, STALE_MS, STORE_SUFFIX } from './files.js';

/** Options of {@link DirectoryDiscovery}. */
export interface DirectoryOptions extends RegistryOptions {
  /** The data directory; created when a daemon registers. */
  dataDir: string;
}

const POLL_MS = 500;

/**
 * Finds the daemons of one machine in a directory. Each endpoint is a file with the content of an entry in
 * etcd, which its daemon refreshes. See ServiceDiscovery.
 */
export class DirectoryDiscovery implements ServiceDiscovery {
  readonly description: string;
  readonly service: string;
  readonly scheme = 'imstate';
  protected readonly directory: string;
  protected readonly log: RegistryLog;
  readonly #warned = new Map<string, string>();

  constructor({ dataDir, service, log }: DirectoryOptions) {
    this.service = service;
    this.directory = join(dataDir, 'registry', encodeURIComponent(service));
    this.log = log;
    this.description = `embedded, ${dataDir}`;
  }

  async list(): Promise<Endpoint[]> {
    const names = await this.files(ENTRY_SUFFIX);
    const endpoints = await Promise.all(names.map((name) => this.#read(name)));
    return sortEndpoints(endpoints.flatMap((endpoint) => endpoint ?? []));
  }

  async listStores(): Promise<StoreIds> {
    const stores = new Map<string, string>();
    for (const name of await this.files(STORE_SUFFIX)) {
      const addr = addrOf(name);
      const text = await this.#readFresh(join(this.directory, name)).catch(() => undefined);
      const identity = text && parseStoreId(text);
      if (addr && identity) stores.set(addr, identity);
    }
    return stores;
  }

  watch(listener: WatchListener): Watch {
    const stopped = new AbortController();
    const running = this.#poll(listener, stopped.signal);
    return {
      close: async () => {
        stopped.abort();
        await running;
      },
    };
  }

  async close(): Promise<void> {}

  async #poll(listener: WatchListener, signal: AbortSignal): Promise<void> {
    let delivered: Endpoint[] | undefined;
    do {
      try {
        const endpoints = await this.list();
        if (signal.aborted) return;
        if (delivered === undefined || !sameEndpoints(delivered, endpoints)) listener.onEndpoints(endpoints);
        delivered = endpoints;
      } catch (error) {
        delivered = undefined;
        listener.onError(error as ImstateError);
      }
    } while (await delay(POLL_MS, true, { signal }).catch(() => false));
  }

  protected async files(...suffixes: string[]): Promise<string[]> {
    try {
      const names = await readdir(this.directory);
      return names.filter((name) => suffixes.some((suffix) => name.endsWith(suffix)));
    } catch (error) {
      // ENOTDIR: the home directory of a service may be /dev/null.
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw directoryUnavailable(error);
    }
  }

  /** The text of a file; undefined if it is stale. */
  async #readFresh(file: string): Promise<string | undefined> {
    const { mtimeMs } = await lstat(file);
    return Date.now() - mtimeMs > STALE_MS ? undefined : readRegularText(file, { noFollow: true });
  }

  /** The endpoint in a file; undefined if the file is stale, gone or unreadable. */
  async #read(name: string): Promise<Endpoint | undefined> {
    const file = join(this.directory, name);
    try {
      const text = await this.#readFresh(file);
      if (text === undefined) return undefined;
      const entry = parseEntry(text);
      if (!('broken' in entry)) return entry;
      this.#warnOnce(file, entry.broken);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#warnOnce(file, messageOf(error));
    }
    return undefined;
  }

  /** A watch reads the directory twice a second: it logs each fault of a file once. */
  #warnOnce(file: string, reason: string): void {
    if (this.#warned.get(file) === reason) return;
    this.#warned.set(file, reason);
    this.log.warn(`registry file ${file} is ignored: ${reason}`);
  }
}
