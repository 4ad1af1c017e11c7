import { readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolder } from '../../dataFolder.js';
import { ImstateError, messageOf } from '../../errors.js';
import { readRegularFile } from '../../regularFile.js';
import { formatEntry, parseEntry, sameEndpoints, sortEndpoints } from '../entry.js';
import type {
  Endpoint,
  Registration,
  Registry,
  RegistryLog,
  RegistryOptions,
  Watch,
  WatchListener,
} from '../registry.js';

/** What {@link EmbeddedRegistry} takes beside the common options. */
export interface EmbeddedRegistryOptions extends RegistryOptions {
  /** The data folder; made when a daemon registers. */
  dataDir: string;
}

/** A file that was not renewed for this long is stale: its daemon is gone. */
const STALE_MS = 10_000;
const RENEW_MS = STALE_MS / 3;
const POLL_MS = 500;

/**
 * Endpoints of one machine in a folder: a file an endpoint, with the same content as an entry in etcd, kept
 * young by its daemon. Rules: see Registry.
 */
export class EmbeddedRegistry implements Registry {
  readonly description: string;
  readonly service: string;
  readonly scheme = 'imstate';
  readonly #folder: string;
  readonly #log: RegistryLog;
  readonly #warned = new Map<string, string>();

  constructor({ dataDir, service, log }: EmbeddedRegistryOptions) {
    this.service = service;
    this.#folder = join(dataDir, 'registry', encodeURIComponent(service));
    this.#log = log;
    this.description = `embedded, ${dataDir}`;
  }

  async register(addr: string): Promise<Registration> {
    const file = join(this.#folder, `${encodeURIComponent(addr)}.json`);
    await this.#write(file, addr).catch(unavailable);
    await this.#removeStale();
    const stopped = new AbortController();
    const state = { renewedAt: performance.now() };
    const running = this.#keep(file, addr, state, stopped.signal);
    return {
      get stands() {
        return !stopped.signal.aborted && performance.now() - state.renewedAt < STALE_MS;
      },
      close: async () => {
        stopped.abort();
        await running;
        await rm(file, { force: true }).catch((error) => this.#log.warn(messageOf(error)));
      },
    };
  }

  async list(): Promise<Endpoint[]> {
    const endpoints = await Promise.all((await this.#files()).map((name) => this.#read(name)));
    return sortEndpoints(endpoints.flatMap((endpoint) => endpoint ?? []));
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

  async #write(file: string, addr: string): Promise<void> {
    await makeFolder(this.#folder);
    const temporary = `${file}.${process.pid}`;
    await writeFile(temporary, formatEntry(addr));
    await rename(temporary, file);
  }

  async #keep(file: string, addr: string, state: { renewedAt: number }, signal: AbortSignal): Promise<void> {
    while (await delay(RENEW_MS, true, { signal }).catch(() => false)) {
      const now = new Date();
      await utimes(file, now, now)
        .catch(() => this.#write(file, addr))
        .then(() => {
          state.renewedAt = performance.now();
        })
        .catch((error) =>
          this.#log.warn(`the registration of ${addr} cannot be renewed: ${messageOf(error)}`),
        );
    }
  }

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

  async #files(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => name.endsWith('.json'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      return unavailable(error);
    }
  }

  /** The endpoint in a file; undefined if it is stale, gone meanwhile, or cannot be read. */
  async #read(name: string): Promise<Endpoint | undefined> {
    const file = join(this.#folder, name);
    try {
      const { mtimeMs } = await stat(file);
      if (Date.now() - mtimeMs > STALE_MS) return undefined;
      const entry = parseEntry(String(readRegularFile(file)));
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
    this.#log.warn(`registry file ${file} is ignored: ${reason}`);
  }

  /** Removes the files of daemons that are gone. */
  async #removeStale(): Promise<void> {
    for (const name of await this.#files()) {
      const file = join(this.#folder, name);
      const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      if (Date.now() - mtimeMs > STALE_MS) await rm(file, { force: true }).catch(() => {});
    }
  }
}

function unavailable(error: unknown): never {
  if (error instanceof ImstateError) throw error;
  throw new ImstateError(
    'REGISTRY_UNAVAILABLE',
    `the embedded registry cannot be used (${messageOf(error)}): mend that, or choose another --data-dir`,
    {
      cause: error,
    },
  );
}
