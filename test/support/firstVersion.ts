import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliDecompressSync } from 'node:zlib';
import { type Finished, type Imstate, runProgram, startProgram } from './imstate.ts';

const FIXTURE = new URL('../fixtures/imstate-0.1.0.tar.br', import.meta.url);
/** In node_modules, where the first version finds its packages. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

/** Starts `imstate serve` of the first version, see startImstate. */
export async function startFirstVersion(...args: string[]): Promise<Imstate> {
  return startProgram(args, { bin: await firstVersion() });
}

/** Runs a command of the first version to its end, see runImstate. */
export async function runFirstVersion(...args: string[]): Promise<Finished> {
  return runProgram(args, { bin: await firstVersion() });
}

/**
 * The binary of the first version of imstate, built by `npm run fixture:first-version` and unpacked at first
 * use.
 */
async function firstVersion(): Promise<string> {
  const packed = await readFile(FIXTURE);
  const hash = createHash('sha256').update(packed).digest('hex').slice(0, 16);
  const folder = join(CACHE, `imstate-0.1.0-${hash}`);
  if (!existsSync(folder)) await unpack(packed, folder);
  return join(folder, 'bin/run.js');
}

/** Other tests may unpack it at the same time. */
async function unpack(packed: Buffer, folder: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const staging = await mkdtemp(`${folder}-`);
  const tar = join(staging, 'packed.tar');
  await writeFile(tar, brotliDecompressSync(packed));
  await promisify(execFile)('tar', ['-xf', tar, '-C', staging]);
  await rm(tar);
  await rename(staging, folder).catch(async (error) => {
    await rm(staging, { recursive: true });
    if (!existsSync(folder)) throw error;
  });
}
