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

/** Load from a separate process; with a rate of 0, each connection makes one call after the other. */
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

test('at five times its capacity, rejects the excess, answers the rest soon, and recovers', {
  timeout: 180_000,
}, async () => {
  const daemon = await startImstate('serve', '--port', '0', '--max-calls-in-flight', `${IN_FLIGHT}`);
  disposables.push(() => daemon.kill());
  const client = await clientOf(daemon.addr);
  const server = client.server({ addr: '10.0.0.9:9000', leaseTtlMs: LEASE_MS });
  disposables.push(() => server.close());
  await server.ready;
  const { sessionId } = await server.online({ userId: 'alice', deviceId: 'phone' });

  // A concurrency that is never rejected. The first run warms up the JIT.
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
  }, 'latency is normal again');
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

  // Each call was answered with either OK or RESOURCE_EXHAUSTED.
  const { '0': accepted = 0, '8': rejected = 0, ...others } = overloaded.answered;
  expect([others, accepted + rejected]).toEqual([{}, overloaded.sent]);
  expect(rejected).toBeGreaterThan(0);
  // Rejecting calls must not take up all of its time.
  expect(accepted / 6).toBeGreaterThan(sustained.perSecond / 10);
  // Without a limit they would wait for up to 24 s: 30 s of work arrived within 6 s.
  expect(overloaded.latencyMs.p99).toBeLessThan(16_000);
  expect(max - before).toBeLessThan(512 * MIB);
  expect(Object.keys(after.answered)).toEqual(['0']);

  // The lease of the chat server survived the overload.
  expect(await client.getUser({ userId: 'alice' })).toMatchObject({ online: true, devices: [{ sessionId }] });
});
