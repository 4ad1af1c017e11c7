import { ImstateError } from '../errors.js';
import { tooMuchToRead } from './rules.js';

/** What a request may read at most: its answer could not be larger anyway. Estimated bytes. */
const MAX_READ_BYTES = 16 * 1024 * 1024;
/** What a session takes beside its texts, as the daemon holds it. */
const SESSION_BYTES = 512;
/** A request that has read no more is never refused for what others read: about the ten devices of a person, with all their metadata. */
const SMALL_READ_BYTES = 32 * 1024;

/** Why a request is refused that would read more while others have read as much as a daemon holds. */
export class ReadsExhausted extends ImstateError {
  readonly reason: string;

  constructor(bytes: number) {
    const reason = `the daemon holds ${bytes} bytes of sessions that were read for answers`;
    super('RESOURCE_EXHAUSTED', `${reason}: nothing was done, try again in a while`);
    this.reason = reason;
  }
}

/** What all requests of a daemon have read and not answered yet. Estimated bytes. */
export class ReadPool {
  readonly maxBytes: number;
  bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Runs what reads for a request and makes its answer of that; then the bytes are free again. */
  async use<T>(answer: (budget: ReadBudget) => Promise<T>): Promise<T> {
    const budget = new ReadBudget(this);
    try {
      return await answer(budget);
    } finally {
      budget.release();
    }
  }
}

/** What the operations of one request have read. */
export class ReadBudget {
  readonly #pool: ReadPool | undefined;
  #bytes = 0;
  #refusal: ImstateError | undefined;

  /** Without a pool only the request itself has a limit. */
  constructor(pool?: ReadPool) {
    this.#pool = pool;
  }

  /** Why no further user is read for the request; undefined while there is room. Once refused, a request stays refused. */
  get refusal(): ImstateError | undefined {
    if (this.#bytes > MAX_READ_BYTES) this.#refusal ??= tooMuchToRead();
    else this.#checkPool();
    return this.#refusal;
  }

  /** So many records were read, of so many bytes together. Throws if the daemon has no room for them. */
  spend(records: number, bytes: number): void {
    const more = records * SESSION_BYTES + bytes;
    this.#bytes += more;
    if (this.#pool) this.#pool.bytes += more;
    this.#checkPool();
    if (this.#refusal) throw this.#refusal;
  }

  /** The request is answered or has failed. */
  release(): void {
    if (this.#pool) this.#pool.bytes -= this.#bytes;
    this.#bytes = 0;
  }

  #checkPool(): void {
    const pool = this.#pool;
    if (pool && pool.bytes > pool.maxBytes && this.#bytes > SMALL_READ_BYTES)
      this.#refusal ??= new ReadsExhausted(pool.bytes);
  }
}
