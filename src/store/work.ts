/**
 * How much one step of a store does: a script call of Redis or a write transaction of the embedded store, which hold up everything
 * else meanwhile. The unit is a record that is read. The bench holds a script call to its time (`npm run bench -- devices`).
 */
export const WORK = {
  /** A step carries out no further operation once it has done so much: it reads one user with 1,000 devices, not two. */
  max: 768,
  /** An operation, whatever it reads. Redis only, as what follows: LMDB does both in far less time. */
  operation: 4,
  /** Checking whether a session is over, without reading all of its record. */
  check: 0.5,
  /** Ending a session costs as much as reading so many records. */
  end: 16,
  /** How many records of a user are read at one instant; a user who has more is read in parts. */
  part: 1_024,
  /** How many other sessions one operation ends in a step, and how many old records it removes. */
  ends: 64,
} as const;
