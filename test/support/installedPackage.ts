import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryDirectory } from './servers.ts';

/** The clone of imstate. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A project that has installed imstate from its tarball. */
export interface InstalledPackage {
  /** Its folder. */
  path: string;
  /** Runs a program in the folder, and returns its output. Rejects if it fails. */
  run(command: string, ...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/**
 * Packs the build of both packages and installs them with npm in a new project, with the packages named by
 * `beside`.
 */
export function installPackage(...beside: string[]): Promise<InstalledPackage> {
  return install(['--workspaces', '--include-workspace-root'], beside);
}

/** Packs the build of the client, and installs only that. */
export function installClient(): Promise<InstalledPackage> {
  return install(['--workspace', 'imstate-client'], []);
}

async function install(workspaces: string[], beside: string[]): Promise<InstalledPackage> {
  const { path, remove } = await temporaryDirectory();
  // Packs the existing build: another build would disturb concurrent tests.
  const packed = await promisify(execFile)(
    'npm',
    ['pack', ...workspaces, '--json', '--ignore-scripts', '--pack-destination', path],
    { cwd: ROOT },
  );
  const tarballs = JSON.parse(packed.stdout).map(({ filename }: { filename: string }) => `./${filename}`);
  await writeFile(join(path, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const run = async (command: string, ...args: string[]) => {
    const { stdout } = await promisify(execFile)(command, args, { cwd: path });
    return stdout;
  };
  await run('npm', 'install', ...tarballs, ...beside, '--prefer-offline', '--no-audit', '--no-fund');
  return { path, run, remove };
}
