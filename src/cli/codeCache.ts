import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const DIGEST_BYTES = 32;
/** How many files are kept: of several versions of imstate and of Node.js, 1.2 MB each. */
const KEPT_FILES = 8;

/** What {@link keepCode} kept of the bundle with this hash, for this Node.js; undefined if there is nothing whole. */
export function readCode(bundleHash: string): Buffer | undefined {
  try {
    const content = readOwn(join(folder(), nameOf(bundleHash)));
    const code = content.subarray(DIGEST_BYTES);
    // V8 does not look, and ends the process when it comes to a broken byte.
    return digest(code).equals(content.subarray(0, DIGEST_BYTES)) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps compiled code in the cache folder of this user; where that cannot be, the next process compiles again. */
export function keepCode(bundleHash: string, code: Buffer): void {
  try {
    const file = join(folder(), nameOf(bundleHash));
    mkdirSync(folder(), { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.${process.pid}`, Buffer.concat([digest(code), code]), { mode: 0o600, flag: 'wx' });
    renameSync(`${file}.${process.pid}`, file);
    removeOld();
  } catch {}
}

/** What this user wrote there; throws if it was another one, who may write to the folder. */
function readOwn(file: string): Buffer {
  const opened = openSync(file, 'r');
  try {
    if (fstatSync(opened).uid !== ownUid()) throw new Error(`${file} is of another user`);
    return readFileSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** Leaves the newest; what is still in use of the others is kept again by the next process. */
function removeOld(): void {
  const files = readdirSync(folder()).map((name) => join(folder(), name));
  const times = new Map(files.map((file) => [file, statSync(file).mtimeMs]));
  files.sort((a, b) => (times.get(b) as number) - (times.get(a) as number));
  for (const file of files.slice(KEPT_FILES)) rmSync(file, { force: true });
}

function nameOf(bundleHash: string): string {
  return `${bundleHash}-${process.version}-${process.arch}`;
}

/** Throws where it would be in the home folder of another user, which sudo may keep. */
function folder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const given = XDG_CACHE_HOME || (process.platform === 'win32' && LOCALAPPDATA);
  const base = given || homedir();
  if (statSync(base).uid !== ownUid()) throw new Error(`${base} is of another user`);
  return join(base, given ? '' : '.cache', 'imstate', 'code');
}

/** 0 on Windows, as for all files there. */
function ownUid(): number {
  return process.getuid?.() ?? 0;
}

function digest(code: Buffer): Buffer {
  return createHash('sha256').update(code).digest();
}
