import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readRegularFile } from 'imstate-client/internal/shared/regularFile';

const DIGEST_BYTES = 32;
/** How many files are kept: of several versions of imstate and of Node.js, 1.2 MB each. */
const KEPT_FILES = 8;
/** See nameOf(); a process that was killed leaves one that ends with its pid. */
const KEPT_NAME = /-v\d+\.\d+\.\d+[^-]*-[a-z0-9]+(\.\d+)?$/;

/** A bundle as it was compiled. */
export interface Bundle {
  hash: string;
  /** Its absolute path, which is part of the code: stack traces show it. */
  file: string;
}

/** What {@link keepCode} kept of this bundle, for this Node.js; undefined if there is nothing whole. */
export function readCode(bundle: Bundle): Buffer | undefined {
  try {
    const content = readOwn(join(folder(), nameOf(bundle)));
    const code = content.subarray(DIGEST_BYTES);
    // V8 does not look, and ends the process when it comes to a broken byte.
    return digest(code).equals(content.subarray(0, DIGEST_BYTES)) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps compiled code in the cache folder of this user; where that cannot be, the next process compiles again. */
export function keepCode(bundle: Bundle, code: Buffer): void {
  try {
    mkdirSync(folder(), { recursive: true, mode: 0o700 });
    // Again: where there was nothing before, another process may have put a link.
    const file = join(folder(), nameOf(bundle));
    replace(file, Buffer.concat([digest(code), code]));
    removeOld();
  } catch {}
}

function replace(file: string, content: Buffer): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content, { mode: 0o600, flag: 'wx' });
  try {
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** What this user wrote there; throws if it was another one, who may write to the folder. */
function readOwn(file: string): Buffer {
  return readRegularFile(file, { noFollow: true, check: ({ uid }) => checkOwner(file, uid) });
}

/** Leaves the newest; what is still in use of the others is kept again by the next process. Only what keepCode() names so is removed. */
function removeOld(): void {
  const files = readdirSync(folder(), { withFileTypes: true })
    .filter((entry) => entry.isFile() && KEPT_NAME.test(entry.name))
    .map(({ name }) => join(folder(), name));
  const times = new Map(files.map((file) => [file, lstatSync(file).mtimeMs]));
  files.sort((a, b) => (times.get(b) as number) - (times.get(a) as number));
  for (const file of files.slice(KEPT_FILES)) rmSync(file, { force: true });
}

function nameOf({ hash, file }: Bundle): string {
  const path = digest(file).toString('hex', 0, 8);
  return `${hash}-${path}-${process.version}-${process.arch}`;
}

/**
 * Throws where it would be in the home folder of another user, which sudo may keep, and where a link or another user's folder stands in
 * its place: what is removed there must be our own.
 */
function folder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const given = XDG_CACHE_HOME || (process.platform === 'win32' && LOCALAPPDATA);
  const base = given || homedir();
  checkOwner(base, statSync(base).uid);
  const own = join(base, given ? '' : '.cache', 'imstate');
  const code = join(own, 'code');
  for (const path of [own, code]) checkDirectory(path);
  return code;
}

function checkDirectory(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) throw new Error(`${path} is no folder`);
  checkOwner(path, stats.uid);
}

function checkOwner(path: string, uid: number): void {
  if (uid !== ownUid()) throw new Error(`${path} is of another user`);
}

/** 0 on Windows, as for all files there. */
function ownUid(): number {
  return process.getuid?.() ?? 0;
}

function digest(content: Buffer | string): Buffer {
  return createHash('sha256').update(content).digest();
}
