import { randomUUID } from 'node:crypto';
import pkg from '../../package.json' with { type: 'json' };
import type { Report } from '../../src/doctor/check.ts';
import { doctor } from '../../src/doctor/doctor.ts';
import type { DoctorOptions } from '../../src/doctor/options.ts';
import { scratchDirectory } from './credentials.ts';
import { disposables } from './disposables.ts';
import { startRedis } from './servers.ts';

/** The reports of the doctor, by check. By default the registry is a temporary directory. */
export async function look(options: Partial<DoctorOptions> = {}): Promise<Record<string, Report>> {
  const reports: Report[] = [];
  const defaults = {
    redis: undefined,
    redisTls: undefined,
    keyPrefix: `test-${randomUUID()}:`,
    shards: undefined,
    waitReplicas: 0,
    clientCa: undefined,
    daemonTls: undefined,
    auth: undefined,
    service: 'im/state-server',
    timeoutMs: 20_000,
    version: pkg.version,
    dataDir: options.dataDir ?? (await scratchDirectory()),
  };
  for await (const report of doctor({ ...defaults, ...options })) reports.push(report);
  return Object.fromEntries(reports.map((report) => [report.check, report]));
}

/** A Redis until the end of the test. */
export async function redisWith(...args: string[]) {
  const redis = await startRedis(...args);
  disposables.push(() => redis.stop());
  return redis;
}
