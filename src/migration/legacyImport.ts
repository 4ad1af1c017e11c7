import { type ConnectOptions, openChannel } from 'imstate-client/internal/connect';
import { CALLS_AT_ONCE } from 'imstate-client/internal/defaults';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import { type LogIn, makeLogIn } from './legacyLogin.js';
import { type LegacyHash, type LegacyRecord, readLegacyRecord } from './legacyRecord.js';
import { scanHashes } from './legacyScan.js';

/** The results so far. `online`, `offline`, `invalid` and `other` add up to `keys`. */
export interface ImportCounts {
  keys: number;
  /** Devices that are online at the legacy server. */
  online: number;
  offline: number;
  /** Records that violate a rule of imstate. */
  invalid: number;
  /** Hashes that are not of a legacy server. */
  other: number;
  /** Online devices that were logged in, by this import or an earlier one. */
  imported: number;
  /** Online devices that have since logged in or out at a daemon. */
  unchanged: number;
}

/** A record that was not imported. */
export interface ImportProblem {
  /** Its key in Redis. */
  key: string;
  error: ImstateError;
}

/** The source and the destination of an import. */
export interface ImportOptions {
  /** URL of the Redis of the legacy server. */
  redis: string;
  redisTls: TlsFiles | undefined;
  /** The daemons that receive the logins; undefined for a dry run. */
  daemons: ConnectOptions | undefined;
  /** Ends the import after the logins in flight. */
  stop: AbortSignal;
  onProblem(problem: ImportProblem): void;
  /** Called for each processed key. */
  onKey(): void;
}

/** One import of the devices that are online at a legacy server. */
export class LegacyImport {
  readonly counts: ImportCounts = {
    keys: 0,
    online: 0,
    offline: 0,
    invalid: 0,
    other: 0,
    imported: 0,
    unchanged: 0,
  };
  readonly #options: ImportOptions;
  #isComplete = false;

  constructor(options: ImportOptions) {
    this.#options = options;
  }

  /** Whether all keys were processed. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Rejects if the import cannot continue. An invalid record does not end it. */
  async run(): Promise<void> {
    const { daemons, stop } = this.#options;
    if (daemons === undefined) return this.#importAll(undefined);
    const { channel, close } = await openChannel(daemons);
    try {
      await this.#importAll(makeLogIn(channel, stop));
    } finally {
      await close();
    }
  }

  async #importAll(logIn: LogIn | undefined): Promise<void> {
    const { redis, redisTls, stop } = this.#options;
    for await (const hashes of scanHashes(redis, redisTls, stop)) await this.#importSome(hashes, logIn);
    this.#isComplete = !stop.aborted;
  }

  /**
   * Imports some hashes at the same time. After a failure it starts no others, and waits for those in flight.
   */
  async #importSome(hashes: LegacyHash[], logIn: LogIn | undefined): Promise<void> {
    const queue = hashes.values();
    let failure: { error: unknown } | undefined;
    const work = async () => {
      for (const hash of queue) {
        await this.#importOne(hash, logIn).catch((error: unknown) => {
          failure = { error };
        });
        if (failure !== undefined || this.#options.stop.aborted) return;
      }
    };
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
    if (failure !== undefined) throw failure.error;
  }

  async #importOne(hash: LegacyHash, logIn: LogIn | undefined): Promise<void> {
    const read = readLegacyRecord(hash);
    const outcome = read.kind === 'online' && logIn ? await this.#apply(hash, read, logIn) : read;
    this.counts.keys += 1;
    this.counts[outcome.kind] += 1;
    if (outcome.kind === 'invalid') this.#options.onProblem(outcome);
    this.#options.onKey();
  }

  /** Logs a device in. A record that the daemon rejects is invalid. */
  async #apply(
    { key }: LegacyHash,
    record: Extract<LegacyRecord, { kind: 'online' }>,
    logIn: LogIn,
  ): Promise<LegacyRecord> {
    const result = await logIn(record.login);
    if (result instanceof ImstateError) return { kind: 'invalid', key: key.toString(), error: result };
    this.counts[result] += 1;
    return record;
  }
}
