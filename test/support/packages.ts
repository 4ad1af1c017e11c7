import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** The directories of programs, including those of administrators. */
export const PROGRAM_PATH = `${process.env.PATH}:/usr/sbin`;

/**
 * Installs missing programs of the PATH, and missing files by absolute path, with apt-get if that is possible
 * without a password. Each entry names its package.
 */
export function ensureInstalled(packageOf: Record<string, string>): void {
  const missing = Object.keys(packageOf).filter(
    (each) => !(each.startsWith('/') ? existsSync(each) : run('which', [each])),
  );
  if (missing.length === 0) return;
  const packages = missing.map((each) => packageOf[each] as string);
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = (...args: string[]) => {
    const [command, ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
    return run(command as string, rest);
  };
  console.error(`installing ${packages.join(' and ')} with apt-get, for the tests`);
  const policy = ['-o', 'Dpkg::Options::=--force-confold'];
  if (run('which', ['apt-get']) && apt('update') && apt('install', '-y', ...policy, ...packages)) return;
  throw new Error(
    `the tests need ${missing.join(' and ')}, and apt-get could not install ` +
      `${packages.join(' and ')}: install them, then run npm test again`,
  );
}

function run(command: string, args: string[]): boolean {
  return (
    spawnSync(command, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, PATH: PROGRAM_PATH },
    }).status === 0
  );
}
