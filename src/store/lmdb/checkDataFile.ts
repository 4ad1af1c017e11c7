import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

/** The magic number of LMDB, little-endian, after the header of each of its two meta pages. */
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;
const MIN_BYTES = 2 * 4_096;

/** Throws if the file exists and is not an LMDB data file: LMDB itself would crash the process. */
export function checkDataFile(path: string): void {
  if (!existsSync(path)) return;
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(MAGIC_AT + 4);
    const { size } = fstatSync(file);
    if (size === 0) return;
    readSync(file, head, 0, head.length, 0);
    if (size >= MIN_BYTES && head.readUInt32LE(MAGIC_AT) === MAGIC) return;
  } finally {
    closeSync(file);
  }
  throw new Error(`${path} is damaged (not an LMDB data file): restore it or move it away`);
}
