/**
 * How much work one batch does: one script call of Redis, or one write transaction of the embedded store.
 * Everything else waits for it. The unit is one record that is read. `npm run bench -- devices` measures the
 * duration of a script call.
 */
export const WORK = {
  /**
   * A batch starts no further operation after this much work: it reads one user with 1,000 devices, not two. In
   * Redis it starts none on a user with more than half as many records once it has done a quarter.
   */
  max: 768,
  /**
   * An operation, whatever it reads. This and the next are for Redis only: LMDB does both in far less time.
   */
  operation: 4,
  /** Checking whether a session is over, without reading its whole record. */
  check: 0.5,
  /** Ending a session costs as much as reading this many records. */
  end: 16,
  /** How many records of a user are read at one instant; a user with more is read in parts. */
  part: 1_024,
  /** How many other sessions one operation ends in a batch, and how many old records it removes. */
  ends: 64,
  /**
   * A login that ends more than eight times as many ends an eighth of them in a batch, because each batch reads all
   * that are left; but not more than `maxLoginEnds`.
   */
  loginEndsDivisor: 8,
  maxLoginEnds: 256,
} as const;
