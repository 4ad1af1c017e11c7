import { spawnSync } from 'node:child_process';

/** Installs programs that are missing with apt-get, where that can be done without asking; each is named with its package. */
export function ensureInstalled(packageOf: Record<string, string>): void {
  const missing = Object.keys(packageOf).filter((program) => !run('which', [program]));
  if (missing.length === 0) return;
  const packages = missing.map((program) => packageOf[program] as string);
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = (...args: string[]) => {
    const [command, ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
    return run(command as string, rest);
  };
  console.error(`installing ${packages.join(' and ')} with apt-get, for the tests`);
  const policy = ['-o', 'Dpkg::Options::=--force-confold'];
  if (run('which', ['apt-get']) && apt('update') && apt('install', '-y', ...policy, ...packages)) return;
  throw new Error(
    `the tests need ${missing.join(' and ')} on the PATH, and apt-get could not install ` +
      `${packages.join(' and ')}: install them, then run npm test again`,
  );
}

function run(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}
