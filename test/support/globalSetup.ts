import { spawnSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { startEtcd, startRedis } from './servers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string;
    etcdHost: string;
  }
}

/** Brings the servers that tests share; each test keeps to a prefix or service name of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  ensureInstalled({ 'redis-server': 'redis-server', etcd: 'etcd-server' });
  const [redis, etcd] = await Promise.all([startRedis(), startEtcd()]);
  project.provide('redisUrl', redis.url);
  project.provide('etcdHost', etcd.host);
  return async () => {
    await Promise.all([redis.stop(), etcd.stop()]);
  };
}

/** Installs what is missing with apt-get, where that can be done without asking. */
function ensureInstalled(packageOf: Record<string, string>): void {
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
