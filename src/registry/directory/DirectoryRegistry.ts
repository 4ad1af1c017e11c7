import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DirectoryDiscovery,
  type DirectoryOptions,
} from 'imstate-client/internal/registry/directory/DirectoryDiscovery';
import {
  directoryUnavailable,
  ENTRY_SUFFIX,
  STALE_MS,
  STORE_SUFFIX,
} from 'imstate-client/internal/registry/directory/files';
import type { Registration, Registry } from '../registry.js';
import { NO_STORE } from '../storeClaim.js';
import { DirectoryRegistration } from './DirectoryRegistration.js';

/** Registers the daemons of one machine in a directory, with one file per endpoint. See Registry. */
export class DirectoryRegistry extends DirectoryDiscovery implements Registry {
  readonly #dataDir: string;

  constructor(options: DirectoryOptions) {
    super(options);
    this.#dataDir = options.dataDir;
  }

  async register(addr: string, store = NO_STORE): Promise<Registration> {
    const listStores = () => this.listStores();
    const { directory, log } = this;
    const options = { dataDir: this.#dataDir, directory, addr, store, log, listStores };
    await this.#removeStale();
    return DirectoryRegistration.start(options).catch((error) => {
      throw directoryUnavailable(error);
    });
  }

  /** Removes the files of daemons that are gone. */
  async #removeStale(): Promise<void> {
    for (const name of await this.files(ENTRY_SUFFIX, STORE_SUFFIX)) {
      const file = join(this.directory, name);
      const { mtimeMs } = await lstat(file).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      if (Date.now() - mtimeMs > STALE_MS) await rm(file, { force: true }).catch(() => {});
    }
  }
}
