import type { ImstateError } from 'imstate-client/internal/shared/errors';
import { Overloaded } from '../presence/overloaded.js';
import { tooMuchToRead } from '../presence/rules.js';

/** The limit of what one request reads: its response could not be larger anyway. Estimated bytes. */
const MAX_READ_BYTES = 16 * 1024 * 1024;
/** The memory of a session in the daemon, without its texts. */
const SESSION_BYTES = 512;
/**
 * A request that has read less is never rejected for what others read: ten devices with all their metadata.
 */
const SMALL_READ_BYTES = 32 * 1024;

/** Rejects a request that would read more while its peer holds more memory than is left for others. */
class ReadsExhausted extends Overloaded {
  constructor(bytes: number, ofPeer: number) {
    super(
      `the daemon holds ${bytes} bytes of sessions read for responses, ` +
        `${ofPeer} of them for this connection`,
    );
  }
}

/**
 * What all requests of a daemon have read and not answered yet. Estimated bytes. A peer may hold as much as
 * it leaves free: half if it is alone, a third each if there are two.
 */
export class ReadPool {
  readonly maxBytes: number;
  bytes = 0;
  /** Does not count requests that have read little. */
  readonly #byPeer = new Map<string, number>();

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Runs a function that reads for a request and builds its response; then the bytes are free again. */
  async use<T>(peer: string, respond: (budget: ReadBudget) => Promise<T>): Promise<T> {
    const budget = new ReadBudget(peer, this);
    try {
      return await respond(budget);
    } finally {
      budget.release();
    }
  }

  /** The bytes that the larger requests of a peer hold. */
  bytesOf(peer: string): number {
    return this.#byPeer.get(peer) ?? 0;
  }

  /** Adds to the bytes of the larger requests of a peer, or subtracts from them. */
  addOf(peer: string, more: number): void {
    const bytes = this.bytesOf(peer) + more;
    if (bytes > 0) this.#byPeer.set(peer, bytes);
    else this.#byPeer.delete(peer);
  }
}

/** What the operations of one request have read, and may still read. */
export class ReadBudget {
  /**
   * The other side of the connection, whose requests share one turn at the store; undefined for the daemon.
   */
  readonly peer: string | undefined;
  readonly #pool: ReadPool | undefined;
  #bytes = 0;
  /** How much of that counts for the peer. */
  #bytesOfPeer = 0;
  #rejection: ImstateError | undefined;

  /** Without a pool only the request has a limit. */
  constructor(peer?: string, pool?: ReadPool) {
    this.peer = peer;
    this.#pool = pool;
  }

  /** Why no further user is read for the request; undefined while there is room. A rejection is final. */
  get rejection(): ImstateError | undefined {
    if (this.#bytes > MAX_READ_BYTES) this.#rejection ??= tooMuchToRead();
    else this.#checkPool();
    return this.#rejection;
  }

  /** Counts records that were read, and their bytes. Throws if the daemon has no room for them. */
  spend(records: number, bytes: number): void {
    const more = records * SESSION_BYTES + bytes;
    this.#bytes += more;
    if (this.#pool) this.#pool.bytes += more;
    if (this.#bytes > SMALL_READ_BYTES) this.#countForPeer(this.#bytes);
    this.#checkPool();
    if (this.#rejection) throw this.#rejection;
  }

  /** Frees the bytes: the request was answered, or has failed. */
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
    if (ofPeer > maxBytes - bytes) this.#rejection ??= new ReadsExhausted(bytes, ofPeer);
  }
}
