import { setTimeout as delay } from 'node:timers/promises';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { AuditRecord } from '../../presence/audit.js';
import type { PresenceStore } from '../../store/store.js';
import { doneWithin } from '../stopLimit.js';

/** How long a caller waits for its record, and a stopping daemon for all. */
const WAIT_MS = 1_000;
/** The pauses before further attempts: long enough for a failover. */
const PAUSES_MS = [100, 300, 1_000, 3_000, 10_000];
/** How many records wait for the store at the same time. */
const MAX_PENDING = 1_000;

/** Writes records to the store, and repeats what fails. A record that is lost stays in the log. */
export class AuditWriter {
  /** How many records could not be stored. */
  failures = 0;
  readonly #store: Pick<PresenceStore, 'recordAudit'>;
  readonly #log: Logger;
  readonly #pending = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(store: Pick<PresenceStore, 'recordAudit'>, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** Resolves when the record is stored, or lost, or after a second. Never rejects. */
  async write(record: AuditRecord): Promise<void> {
    if (this.#pending.size >= MAX_PENDING) {
      const reason = `${MAX_PENDING} records wait for the store`;
      this.#lose(record, new ImstateError('RESOURCE_EXHAUSTED', reason));
      return;
    }
    const written = this.#write(record).finally(() => this.#pending.delete(written));
    this.#pending.add(written);
    await doneWithin(WAIT_MS, written);
  }

  /** Gives each record that waits one more attempt. */
  async close(): Promise<void> {
    this.#stop.abort();
    await doneWithin(WAIT_MS, Promise.all(this.#pending));
  }

  async #write(record: AuditRecord): Promise<void> {
    const { signal } = this.#stop;
    for (let attempts = 0; ; attempts++) {
      const isLast = attempts === PAUSES_MS.length || signal.aborted;
      try {
        await this.#store.recordAudit(record, attempts > 0);
        return;
      } catch (error) {
        if (isLast) {
          this.#lose(record, error);
          return;
        }
      }
      await delay(PAUSES_MS[attempts], undefined, { signal }).catch(() => {});
    }
  }

  #lose({ id }: AuditRecord, error: unknown): void {
    this.failures += 1;
    this.#log.error({ id, reason: messageOf(error) }, 'audit record could not be stored');
  }
}
