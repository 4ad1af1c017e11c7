import { lutimes, rename, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { entryFile, STALE_MS, storeFile } from 'imstate-client/internal/registry/directory/files';
import type { RegistryLog } from 'imstate-client/internal/registry/discovery';
import { formatEntry } from 'imstate-client/internal/registry/entry';
import { formatStoreId, type StoreIds } from 'imstate-client/internal/registry/storeIds';
import { backoffMs } from 'imstate-client/internal/shared/backoff';
import { type ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { makeDataDirectory, makeInnerDirectory } from '../../dataDirectory.js';
import type { Registration } from '../registry.js';
import {
  countStores,
  daemonsOfOthers,
  isStoreMismatch,
  type StoreClaim,
  storeMismatch,
} from '../storeClaim.js';

interface RegistrationOptions {
  dataDir: string;
  /** The directory of the service in the data directory. */
  directory: string;
  addr: string;
  store: StoreClaim;
  log: RegistryLog;
  /** The identities published now. */
  listStores(): Promise<StoreIds>;
}

const RENEW_MS = STALE_MS / 3;

/** The files of one endpoint, refreshed for as long as its daemon runs. */
export class DirectoryRegistration implements Registration {
  readonly #options: RegistrationOptions;
  readonly #entry: string;
  readonly #store: string;
  readonly #stopped = new AbortController();
  #renewedAt = 0;
  #published: string | undefined;
  #others: StoreIds = new Map();
  #refusal: ImstateError | undefined;
  #running: Promise<void> = Promise.resolve();

  /** Resolves once the entry is present. */
  static async start(options: RegistrationOptions): Promise<DirectoryRegistration> {
    const registration = new DirectoryRegistration(options);
    await registration.#write();
    registration.#running = registration.#keep();
    return registration;
  }

  private constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#entry = entryFile(options.directory, options.addr);
    this.#store = storeFile(options.directory, options.addr);
  }

  get isRegistered(): boolean {
    return this.#refusal === undefined && !this.#stopped.signal.aborted && this.#isFresh;
  }

  get refusal(): ImstateError | undefined {
    return this.#refusal;
  }

  get otherStores(): number {
    return countStores(this.#others);
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.#remove().catch((error) => this.#options.log.warn(messageOf(error)));
  }

  get #isFresh(): boolean {
    return performance.now() - this.#renewedAt < STALE_MS;
  }

  async #keep(): Promise<void> {
    const { log, addr } = this.#options;
    const { signal } = this.#stopped;
    while (await delay(RENEW_MS, true, { signal }).catch(() => false)) {
      await this.#renew().catch((error) => {
        if (!isStoreMismatch(error))
          log.warn(`the registration of ${addr} cannot be renewed: ${messageOf(error)}`);
        else if (this.#refusal === undefined) log.warn(error.message);
        if (isStoreMismatch(error)) this.#refusal = error;
      });
    }
  }

  /** Refreshes the files; writes them again if they are gone, or may have counted as stale. */
  async #renew(): Promise<void> {
    const isKept = this.#isFresh && this.#refusal === undefined && (await touch(this.#entry));
    if (!isKept) return this.#write();
    this.#renewedAt = performance.now();
    const { addr, store, log, listStores } = this.#options;
    const identity = store.identity();
    if (identity === undefined) return;
    if (identity !== this.#published || !(await touch(this.#store))) await this.#publish(identity);
    const before = this.#others.size;
    this.#others = daemonsOfOthers(await listStores(), addr, identity);
    if (before === 0 && this.#others.size > 0)
      log.warn(`daemons of another store are registered: ${[...this.#others.keys()].join(', ')}`);
  }

  /**
   * Publishes the identity, reads those of the other daemons, and only then writes the entry: of two daemons
   * that register at once, at least one sees the other. A daemon that sees another store withdraws.
   */
  async #write(): Promise<void> {
    const { dataDir, directory, addr, store, listStores } = this.#options;
    await makeDataDirectory(dataDir);
    await makeInnerDirectory(dataDir, 'registry');
    await makeInnerDirectory(dataDir, 'registry', basename(directory));
    const identity = store.identity();
    if (identity !== undefined) {
      await this.#publish(identity);
      this.#others = daemonsOfOthers(await listStores(), addr, identity);
      if (this.#others.size > 0 && !store.allowOther) {
        await this.#remove();
        // Two daemons that withdrew because of each other must not collide again.
        await delay(backoffMs(1));
        throw storeMismatch(addr, identity, this.#others);
      }
    }
    await replace(this.#entry, formatEntry(addr));
    this.#renewedAt = performance.now();
    this.#refusal = undefined;
  }

  async #publish(identity: string): Promise<void> {
    await replace(this.#store, formatStoreId(identity));
    this.#published = identity;
  }

  /** The entry goes first: without it no client calls the daemon. */
  async #remove(): Promise<void> {
    await rm(this.#entry, { force: true });
    await rm(this.#store, { force: true });
  }
}

/** Updates the times of a file; false if it is gone or cannot be touched. */
async function touch(file: string): Promise<boolean> {
  const now = new Date();
  return lutimes(file, now, now).then(
    () => true,
    () => false,
  );
}

async function replace(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  // An earlier process with this pid may have left one. A symbolic link is removed, not followed.
  await rm(temporary, { force: true });
  await writeFile(temporary, text, { flag: 'wx', mode: 0o600 });
  await rename(temporary, file);
}
