// The machine and the versions of a run, which are needed to interpret its results.
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { hasH2load } from './unaryLoad.ts';

/** The machine and the versions. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  redis: string;
  /** The load generator for unary calls: h2load, or a client in this process. */
  unaryLoad: string;
}

/** Describes this machine. */
export function describeMachine(): Machine {
  const [, redis = '?'] =
    /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' })) ?? [];
  return {
    cpu: cpus()[0]?.model.trim() ?? '?',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    redis,
    unaryLoad: hasH2load() ? 'h2load' : 'grpc-js client',
  };
}
