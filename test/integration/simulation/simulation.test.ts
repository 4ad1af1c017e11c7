import { describe, expect, inject, test } from 'vitest';
import { type Client, connect } from '../../../packages/client/src/index.ts';
import { collectPages } from '../../../src/cli/input/pages.ts';
import { summaryNotices } from '../../../src/cli/output/simulationReport.ts';
import { ChatServer } from '../../../src/simulation/chatServer.ts';
import { PLAN_DEFAULTS, type Plan } from '../../../src/simulation/plan.ts';
import type { PlannedSession } from '../../../src/simulation/population.ts';
import { schedule } from '../../../src/simulation/schedule.ts';
import { Simulation } from '../../../src/simulation/simulation.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { startProxy } from '../../support/proxy.ts';
import { until } from '../../support/until.ts';

const plan: Plan = { ...PLAN_DEFAULTS, seed: 3, durationMs: 2_000, users: 200, logins: 100 };
const never = new AbortController().signal;

const simulationAt = (addr: string, changes: Partial<Plan> = {}, timeoutMs = 30_000) =>
  new Simulation({ ...plan, ...changes }, () => connect({ endpoints: [addr], timeoutMs }));

/** Which devices are online where, if the last calls were not made. */
function plannedSessions(whole: Plan, missed: number): string[] {
  const calls = [...schedule(whole)];
  const online = new Map<string, string>();
  for (const step of calls.slice(0, calls.length - missed)) {
    if (!('session' in step)) continue;
    const { device, server } = step.session;
    const name = `${device.userId}/${device.deviceId}`;
    if (step.type === 'login') online.set(name, `${name} at sim-chat-${server + 1}:9000`);
    else online.delete(name);
  }
  return [...online.values()].sort();
}

describe.each(['embedded', 'Redis'])('on a daemon (%s)', (store) => {
  async function daemonAddr(): Promise<string> {
    const { addr } = await startDaemon(store === 'Redis' ? { redis: inject('redisUrl') } : {});
    return addr;
  }

  test('at the end the sessions of the daemon equal those of the plan', async () => {
    const addr = await daemonAddr();
    const calm = { flapping: 0, crashEveryMs: Infinity };
    const simulation = simulationAt(addr, calm);
    expect((await simulation.run(never, { keep: true })).left).toBe(0);
    const { all, online, query } = simulation.results.figures(simulation.elapsedMs);
    expect(all.errors).toBe(0);
    expect(online.calls).toBeGreaterThan(50);
    expect(query.p99Ms).toBeGreaterThan(0);
    const client = await clientOf(addr);
    const { rows: sessions } = await collectPages(1_000, async (page) => {
      const { sessions: rows, nextPageToken } = await client.listSessions(page);
      return { rows, nextPageToken };
    });
    const found = sessions.map(
      ({ userId, device: { deviceId, serverAddr } }) => `${userId}/${deviceId} at ${serverAddr}`,
    );
    expect(found.sort()).toEqual(plannedSessions(simulation.plan, all.missed));
    const lease = (await client.listServers()).servers[0]?.lease;
    expect(lease).toMatchObject({ state: 'ALIVE', ttlMs: 3_600_000 });
  });

  test('all are logged out at the end, including those of crashed chat servers', async () => {
    const addr = await daemonAddr();
    const simulation = simulationAt(addr, { crashEveryMs: 300, flapping: 50 });
    const { left, online } = await simulation.run(never);
    expect(online).toBeGreaterThan(0);
    expect(left).toBe(0);
    expect(simulation.counts.crashes).toBeGreaterThan(0);
    const client = await clientOf(addr);
    await until(async () => (await client.getStats()).devicesOnline === 0, 'all are offline');
    expect(simulation.results.errors).toEqual([]);
  });

  test('no session is left in its grace at the end', async () => {
    const addr = await daemonAddr();
    const simulation = simulationAt(addr, { crashEveryMs: Infinity, flapping: 100 });
    const last = new Map<string, string>();
    for (const step of schedule(simulation.plan)) {
      if ('session' in step)
        last.set(`${step.session.device.userId}/${step.session.device.deviceId}`, step.type);
    }
    expect([...last.values()]).toContain('logout');
    expect((await simulation.run(never)).left).toBe(0);
    const client = await clientOf(addr);
    expect((await client.getStats()).devicesOnline).toBe(0);
  });
});

describe('a chat server that crashes', () => {
  const device = { userId: 'alice', deviceId: 'phone', platform: 'ios', session: undefined, awayIndex: -1 };
  const session: PlannedSession = { number: 1, device, server: 0 };

  async function chatServer(addr: string, timeoutMs = 30_000) {
    const around = {
      run: 'run',
      onDisconnected: () => {},
      onEnded: () => {},
      onLost: () => {},
      connect: () => connect({ endpoints: [addr], timeoutMs }),
    };
    const server = new ChatServer('chat-1:9000', around);
    disposables.push(() => server.crash());
    await server.start();
    return server;
  }

  const reasonOf = async (client: Client) =>
    (await client.listHistory({ userId: 'alice' })).entries[0]?.reason;

  test('leaves its sessions online until its lease runs out', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const server = await chatServer(addr);
    expect(await server.login(session)).toBe(true);
    await server.crash();
    expect([server.isUp, server.size]).toEqual([false, 0]);
    expect((await client.getUser({ userId: 'alice' })).online).toBe(true);
    await until(async () => (await reasonOf(client)) === 'SERVER_LOST', 'the lease has run out');
  });

  test('ends them at once when it starts again', async () => {
    const { addr } = await startDaemon();
    const client = await clientOf(addr);
    const server = await chatServer(addr);
    await server.login(session);
    await server.crash();
    await server.start();
    expect((await client.getUser({ userId: 'alice' })).online).toBe(false);
    await until(async () => (await reasonOf(client)) === 'SERVER_LOST', 'the end is written down');
    expect(await server.logoutAll()).toBe(0);
  });

  test('without a daemon reports the sessions that it could not log out', async () => {
    const { addr, stop } = await startDaemon();
    const server = await chatServer(addr, 3_000);
    const other = { ...session, number: 2, device: { ...device, deviceId: 'laptop' } };
    for (const each of [session, other]) expect(await server.login(each)).toBe(true);
    expect(await server.logout(other, 60_000)).toBe(true);
    await stop();
    expect(server.size).toBe(1);
    expect(await server.logoutAll()).toBe(1);
  });

  test('receives no response to calls in flight', async () => {
    const { addr } = await startDaemon();
    const server = await chatServer(addr);
    const login = server.login(session);
    const crash = server.crash();
    expect(await login).toBe(false);
    expect(await server.logout(session, 0)).toBe(false);
    await crash;
  });
});

test('stopping ends it early, and logs all sessions out', async () => {
  const { addr } = await startDaemon();
  const client = await clientOf(addr);
  const simulation = simulationAt(addr, { durationMs: Infinity });
  const stop = new AbortController();
  const run = simulation.run(stop.signal);
  await until(async () => (await client.getStats()).devicesOnline > 10, 'some are online');
  stop.abort();
  expect((await run).left).toBe(0);
  await until(async () => (await client.getStats()).devicesOnline === 0, 'all are offline');
});

test('the same seed makes the same calls, whatever their outcome', async () => {
  const { addr } = await startDaemon();
  const made = async () => {
    const simulation = simulationAt(addr, { crashEveryMs: 300, flapping: 50 });
    await simulation.run(never);
    const { calls, missed } = simulation.results.figures(1).all;
    return [calls + missed + simulation.counts.cut, simulation.counts.crashes];
  };
  expect(await made()).toEqual(await made());
});

test('the results of a lossy network include failed calls, calls that were never made, and times since they were due', async () => {
  const daemon = await startDaemon();
  const proxy = await startProxy(Number(daemon.addr.split(':')[1]));
  disposables.push(() => proxy.close());
  const changes = { queries: 20_000, durationMs: Infinity };
  const simulation = simulationAt(`127.0.0.1:${proxy.port}`, changes, 1_500);
  const stop = new AbortController();
  const run = simulation.run(stop.signal);
  await until(() => simulation.results.figures(1).query.calls > 0, 'a query was answered');
  proxy.pause();
  await until(() => simulation.results.failures > 0, 'a call has failed');
  stop.abort();
  await until(() => simulation.isPlayed, 'no call is in flight');
  proxy.heal();
  const ending = await run;
  const { query } = simulation.results.figures(simulation.elapsedMs);
  expect(query.missed).toBeGreaterThan(0);
  expect(query.errors).toBeGreaterThan(0);
  expect(query.maxMs).toBeGreaterThan(1_400);
  expect(simulation.late.calls).toBeGreaterThanOrEqual(query.missed / 2);
  expect(summaryNotices(simulation, ending)[0]).toMatch(
    /^[\d,]+ of [\d,]+ calls were late, by up to [\d.]+ s, and [\d,]+ were never made: the daemons or this machine/,
  );
  expect(simulation.results.errors).toContainEqual({
    code: 'DEADLINE_EXCEEDED',
    count: expect.any(Number),
    example: expect.stringMatching(/no answer within \d+ ms/),
  });
});

test('another simulation with the same prefix takes over; the first reports it, and logs out its remaining sessions', async () => {
  const { addr } = await startDaemon();
  const client = await clientOf(addr);
  const first = simulationAt(addr, { durationMs: Infinity, crashEveryMs: Infinity }).run(never);
  const failed = expect(first).rejects.toMatchObject({ code: 'SUPERSEDED' });
  await until(async () => (await client.getStats()).devicesOnline > 10, 'the first has begun');
  await simulationAt(addr, { durationMs: 500, servers: 1 }).run(never);
  await failed;
  const { sessions } = await client.listSessions({ pageSize: 1_000 });
  expect(sessions.filter(({ device }) => device.serverAddr !== 'sim-chat-1:9000')).toEqual([]);
});

test('without a daemon it does not start', async () => {
  const { addr, stop } = await startDaemon();
  await stop();
  await expect(simulationAt(addr).run(never)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
