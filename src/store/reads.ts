import { ImstateError } from 'imstate-client/internal/shared/errors';
import { tooMuchToRead } from '../presence/rules.js';

/** What a request may read at most: its answer could not be larger anyway. Estimated bytes. */
const MAX_READ_BYTES = 16 * 1024 * 1024;
/** What a session takes beside its texts, as the daemon holds it. */
const SESSION_BYTES = 512;
/** A request that has read no more is never refused for what others read: about the ten devices of a person, with all their metadata. */
const SMALL_READ_BYTES = 32 * 1024;

/** Why a request is refused that would read more while its peer holds more memory than is left for others. */
export class ReadsExhausted extends ImstateError {
  readonly reason: string;

  constructor(bytes: number, ofPeer: number) {
    const reason =
      `the daemon holds ${bytes} bytes of sessions that were read for answers, ` +
      `${ofPeer} of them for this connection`;
    super('RESOURCE_EXHAUSTED', `${reason}: nothing was done, try again in a while`);
    this.reason = reason;
  }
}

/**
 * What all requests of a daemon have read and not answered yet. Estimated bytes. A peer may hold as much as it leaves free: half if it is
 * alone, a third each if there are two.
 */
export class ReadPool {
  readonly maxBytes: number;
  bytes = 0;
  /** Without requests that have read little. */
  readonly #byPeer = new Map<string, number>();

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Runs what reads for a request and makes its answer of that; then the bytes are free again. */
  async use<T>(peer: string, answer: (budget: ReadBudget) => Promise<T>): Promise<T> {
    const budget = new ReadBudget(peer, this);
    try {
      return await answer(budget);
    } finally {
      budget.release();
    }
  }

  /** The bytes that the larger requests of a peer hold. */
  bytesOf(peer: string): number {
    return this.#byPeer.get(peer) ?? 0;
  }

  /** Counts so many bytes more, or fewer, for the larger requests of a peer. */
  addOf(peer: string, more: number): void {
    const bytes = this.bytesOf(peer) + more;
    if (bytes > 0) this.#byPeer.set(peer, bytes);
    else this.#byPeer.delete(peer);
  }
}

/** What the operations of one request have read. */
export class ReadBudget {
  /** The other side of the connection, whose requests share one turn at the store; undefined for the daemon itself. */
  readonly peer: string | undefined;
  readonly #pool: ReadPool | undefined;
  #bytes = 0;
  /** How much of that is counted for the peer. */
  #bytesOfPeer = 0;
  #refusal: ImstateError | undefined;

  /** Without a pool only the request itself has a limit. */
  constructor(peer?: string, pool?: ReadPool) {
    this.peer = peer;
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
    if (this.#bytes > SMALL_READ_BYTES) this.#countForPeer(this.#bytes);
    this.#checkPool();
    if (this.#refusal) throw this.#refusal;
  }

  /** The request is answered or has failed. */
  release(): void {
    if (this.#pool) this.#pool.bytes -= this.#bytes;
    if (this.#bytesOfPeer > 0) this.#countForPeer(0);
    this.#bytes = 0;
  }

  #countForPeer(bytes: number): void {
    this.#pool?.addOf(this.peer ?? '', bytes - this.#bytesOfPeer);
    this.#bytesOfPeer = bytes;
  }

  #checkPool(): void {
    if (!this.#pool || this.#bytes <= SMALL_READ_BYTES) return;
    const { bytes, maxBytes } = this.#pool;
    const ofPeer = this.#pool.bytesOf(this.peer ?? '');
    if (ofPeer > maxBytes - bytes) this.#refusal ??= new ReadsExhausted(bytes, ofPeer);
  }
}
