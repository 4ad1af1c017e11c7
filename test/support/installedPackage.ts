import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from './servers.ts';

/** The clone of imstate. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A project of somebody who installed imstate from its tarball. */
export interface InstalledPackage {
  /** Its folder. */
  path: string;
  /** Runs a program in the folder, and returns what it printed. Rejects if it fails. */
  run(command: string, ...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** Packs what was built, and installs it with npm in a new project, beside the packages that are named. */
export async function installPackage(...beside: string[]): Promise<InstalledPackage> {
  const { path, remove } = await temporaryFolder();
  // What was built is packed: building it anew would take it away from the tests that run meanwhile.
  const packed = await promisify(execFile)(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', path],
    { cwd: ROOT },
  );
  const [{ filename }] = JSON.parse(packed.stdout);
  await writeFile(join(path, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const run = async (command: string, ...args: string[]) => {
    const { stdout } = await promisify(execFile)(command, args, { cwd: path });
    return stdout;
  };
  const flags = ['--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', 'install', `./${filename}`, ...beside, ...flags);
  return { path, run, remove };
}
