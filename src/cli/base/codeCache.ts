import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readRegularFile } from 'imstate-client/internal/shared/regularFile';

const DIGEST_BYTES = 32;
/** For several versions of imstate and of Node.js, 1.2 MB each. */
const KEPT_FILES = 8;
/** See nameOf(); a killed process leaves a file that ends with its pid. */
const KEPT_NAME = /-v\d+\.\d+\.\d+[^-]*-[a-z0-9]+(\.\d+)?$/;

/** A compiled bundle. */
export interface Bundle {
  hash: string;
  /** Absolute path. It is part of the code: stack traces show it. */
  file: string;
}

/**
 * The code that {@link keepCode} kept for this bundle and this Node.js; undefined if there is none, or it is
 * damaged.
 */
export function readCode(bundle: Bundle): Buffer | undefined {
  try {
    const content = readOwn(join(codeDirectory(), nameOf(bundle)));
    const code = content.subarray(DIGEST_BYTES);
    // V8 does not check, and crashes at a damaged byte.
    return digest(code).equals(content.subarray(0, DIGEST_BYTES)) ? code : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keeps compiled code in the cache directory of this user. If that fails, the next process compiles again.
 */
export function keepCode(bundle: Bundle, code: Buffer): void {
  try {
    mkdirSync(codeDirectory(), { recursive: true, mode: 0o700 });
    // Again: another process may have created a link in the meantime.
    const file = join(codeDirectory(), nameOf(bundle));
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

/** Reads a file of this user; throws if another user owns it, who may write to the directory. */
function readOwn(file: string): Buffer {
  return readRegularFile(file, { noFollow: true, check: ({ uid }) => checkOwner(file, uid) });
}

/**
 * Removes all but the newest files that keepCode() wrote. A process that still needs one of them writes it
 * again.
 */
function removeOld(): void {
  const files = readdirSync(codeDirectory(), { withFileTypes: true })
    .filter((entry) => entry.isFile() && KEPT_NAME.test(entry.name))
    .map(({ name }) => join(codeDirectory(), name));
  const times = new Map(files.map((file) => [file, lstatSync(file).mtimeMs]));
  files.sort((a, b) => (times.get(b) as number) - (times.get(a) as number));
  for (const file of files.slice(KEPT_FILES)) rmSync(file, { force: true });
}

function nameOf({ hash, file }: Bundle): string {
  const path = digest(file).toString('hex', 0, 8);
  return `${hash}-${path}-${process.version}-${process.arch}`;
}

/**
 * Throws if it is in the home directory of another user, which sudo may keep, or if it is a link or belongs
 * to another user: only our own files may be removed.
 */
function codeDirectory(): string {
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
  if (!stats.isDirectory()) throw new Error(`${path} is not a directory`);
  checkOwner(path, stats.uid);
}

function checkOwner(path: string, uid: number): void {
  if (uid !== ownUid()) throw new Error(`${path} belongs to another user`);
}

/** On Windows 0, as for all files. */
function ownUid(): number {
  return process.getuid?.() ?? 0;
}

function digest(content: Buffer | string): Buffer {
  return createHash('sha256').update(content).digest();
}
