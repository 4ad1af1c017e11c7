import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { clientOf, disposables } from '../support/disposables.ts';
import { FLOOD, type FloodReport } from '../support/flood.ts';
import { startImstate } from '../support/imstate.ts';
import { residentBytes } from '../support/memory.ts';
import { until } from '../support/until.ts';

const IN_FLIGHT = 400;
const CONNECTIONS = 16;
const MIB = 2 ** 20;
const LEASE_MS = 10_000;

/** Load from a process of its own; a rate of 0 asks on each connection for one call after the other. */
async function flood(
  addr: string,
  rate: number,
  seconds: number,
  connections = CONNECTIONS,
): Promise<FloodReport> {
  const args = ['--import', 'tsx', FLOOD, addr, `${connections}`, `${rate}`, `${seconds}`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

test('five times more than it can take: what it takes is answered soon, the rest refused, and then all is as before', {
  timeout: 180_000,
}, async () => {
  const daemon = await startImstate('serve', '--port', '0', '--max-calls-in-flight', `${IN_FLIGHT}`);
  disposables.push(() => daemon.kill());
  const client = await clientOf(daemon.addr);
  const server = client.server({ addr: '10.0.0.9:9000', leaseTtlMs: LEASE_MS });
  disposables.push(() => server.close());
  await server.ready;
  const { sessionId } = await server.online({ userId: 'alice', deviceId: 'phone' });

  // As many at a time as are never refused; the first time everything is compiled.
  await flood(daemon.addr, 0, 3, IN_FLIGHT / 2);
  const unloaded = await flood(daemon.addr, 0, 1, 1);
  const sustained = await flood(daemon.addr, 0, 3, IN_FLIGHT / 2);
  expect(Object.keys(sustained.answered)).toEqual(['0']);

  let max = 0;
  const before = await residentBytes(daemon.pid);
  const watching = setInterval(async () => {
    max = Math.max(max, await residentBytes(daemon.pid).catch(() => 0));
  }, 100);
  const overloaded = await flood(daemon.addr, 5 * sustained.perSecond, 6);
  clearInterval(watching);

  const normalMs = Math.max(50, 5 * unloaded.latencyMs.median);
  const after = await until(async () => {
    const report = await flood(daemon.addr, 0, 0.5, 1);
    return report.latencyMs.median < normalMs ? report : undefined;
  }, 'calls take as long as before');
  console.error(
    JSON.stringify({
      unloaded,
      sustained,
      overloaded,
      after,
      before: before / MIB,
      max: max / MIB,
    }),
  );

  // Each call was answered, with OK or with RESOURCE_EXHAUSTED, and not with anything else.
  const { '0': taken = 0, '8': refused = 0, ...others } = overloaded.answered;
  expect([others, taken + refused]).toEqual([{}, overloaded.sent]);
  expect(refused).toBeGreaterThan(0);
  // It goes on working: refusing must not take up all of its time.
  expect(taken / 6).toBeGreaterThan(sustained.perSecond / 10);
  // Without a bound they would wait for up to 24 s: the work of 30 s came within 6.
  expect(overloaded.latencyMs.p99).toBeLessThan(16_000);
  expect(max - before).toBeLessThan(512 * MIB);
  expect(Object.keys(after.answered)).toEqual(['0']);

  // The lease of a chat server outlived it.
  expect(await client.getUser({ userId: 'alice' })).toMatchObject({ online: true, devices: [{ sessionId }] });
});
