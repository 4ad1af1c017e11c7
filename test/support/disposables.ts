import { type Client, connect } from '../../packages/client/src/index.ts';
import type { DaemonOptions } from '../../src/daemon/daemonOptions.ts';
import { startTestDaemon, type TestDaemon } from './daemon.ts';

/** Functions that run in reverse order after the current test. */
export const disposables: (() => unknown)[] = [];

/** Runs the disposables. Rejects if any of them failed. */
export async function dispose(): Promise<void> {
  const failures: unknown[] = [];
  for (const step of disposables.splice(0).reverse())
    await Promise.resolve()
      .then(step)
      .catch((error) => failures.push(error));
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} steps of the clean-up failed`);
}

/** A daemon until the end of the test, with the embedded store unless the overrides name a Redis. */
export async function startDaemon(overrides: Partial<DaemonOptions> = {}): Promise<TestDaemon> {
  const daemon = await startTestDaemon(overrides);
  disposables.push(() => daemon.remove());
  return daemon;
}

/** A client of these daemons until the end of the test, with a timeout that no machine needs. */
export async function clientOf(...endpoints: string[]): Promise<Client> {
  const client = await connect({ endpoints, timeoutMs: 30_000 });
  disposables.push(() => client.close());
  return client;
}
