import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const DIGEST_BYTES = 32;
const MONTH_MS = 30 * 86_400_000;

/** What {@link keepCode} kept of the bundle with this hash, for this Node.js; undefined if there is nothing whole. */
export function readCode(bundleHash: string): Buffer | undefined {
  try {
    const content = readFileSync(join(folder(), nameOf(bundleHash)));
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
    removeOld();
    writeFileSync(`${file}.${process.pid}`, Buffer.concat([digest(code), code]), { mode: 0o600 });
    renameSync(`${file}.${process.pid}`, file);
  } catch {}
}

/** Of older versions; what is still in use is kept again by the next process. */
function removeOld(): void {
  for (const name of readdirSync(folder())) {
    const file = join(folder(), name);
    if (Date.now() - statSync(file).mtimeMs > MONTH_MS) rmSync(file, { force: true });
  }
}

function nameOf(bundleHash: string): string {
  return `${bundleHash}-${process.version}-${process.arch}`;
}

/** Throws where another user could have put something: sudo may keep the home folder of who calls it. */
function folder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const given = XDG_CACHE_HOME || (process.platform === 'win32' && LOCALAPPDATA);
  const base = given || homedir();
  if (statSync(base).uid !== (process.getuid?.() ?? 0))
    throw new Error(`${base} is the folder of another user`);
  return join(base, given ? '' : '.cache', 'imstate', 'code');
}

function digest(code: Buffer): Buffer {
  return createHash('sha256').update(code).digest();
}
