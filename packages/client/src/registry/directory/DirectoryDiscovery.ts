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
import { parseStoreId, type StoreIds } from '../stores.js';
import { addrOf, directoryUnavailable, ENTRY_SUFFIX, STALE_MS, STORE_SUFFIX } from './files.js';

/** What {@link DirectoryDiscovery} takes beside the common options. */
export interface DirectoryOptions extends RegistryOptions {
  /** The data folder; made when a daemon registers. */
  dataDir: string;
}

const POLL_MS = 500;

/**
 * Endpoints of one machine in a folder: a file an endpoint, with the same content as an entry in etcd, kept
 * young by its daemon. See ServiceDiscovery.
 */
export class DirectoryDiscovery implements ServiceDiscovery {
  readonly description: string;
  readonly service: string;
  readonly scheme = 'imstate';
  protected readonly folder: string;
  protected readonly log: RegistryLog;
  readonly #warned = new Map<string, string>();

  constructor({ dataDir, service, log }: DirectoryOptions) {
    this.service = service;
    this.folder = join(dataDir, 'registry', encodeURIComponent(service));
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
      const text = await this.#readYoung(join(this.folder, name)).catch(() => undefined);
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
    let told: Endpoint[] | undefined;
    do {
      try {
        const endpoints = await this.list();
        if (signal.aborted) return;
        if (told === undefined || !sameEndpoints(told, endpoints)) listener.onEndpoints(endpoints);
        told = endpoints;
      } catch (error) {
        told = undefined;
        listener.onError(error as ImstateError);
      }
    } while (await delay(POLL_MS, true, { signal }).catch(() => false));
  }

  protected async files(...suffixes: string[]): Promise<string[]> {
    try {
      const names = await readdir(this.folder);
      return names.filter((name) => suffixes.some((suffix) => name.endsWith(suffix)));
    } catch (error) {
      // ENOTDIR: services may have /dev/null for a home.
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw directoryUnavailable(error);
    }
  }

  /** The text of a file; undefined if it is stale. */
  async #readYoung(file: string): Promise<string | undefined> {
    const { mtimeMs } = await lstat(file);
    return Date.now() - mtimeMs > STALE_MS ? undefined : readRegularText(file, { noFollow: true });
  }

  /** The endpoint in a file; undefined if it is stale, gone meanwhile, or cannot be read. */
  async #read(name: string): Promise<Endpoint | undefined> {
    const file = join(this.folder, name);
    try {
      const text = await this.#readYoung(file);
      if (text === undefined) return undefined;
      const entry = parseEntry(text);
      if (!('broken' in entry)) return entry;
      this.#warnOnce(file, entry.broken);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#warnOnce(file, messageOf(error));
    }
    return undefined;
  }

  /** A watch reads the folder twice a second: what is wrong with a file is told once. */
  #warnOnce(file: string, reason: string): void {
    if (this.#warned.get(file) === reason) return;
    this.#warned.set(file, reason);
    this.log.warn(`registry file ${file} is ignored: ${reason}`);
  }
}
