import { describe, expect, test } from 'vitest';
import { PLAN_DEFAULTS, type Plan } from '../../../src/simulation/plan.ts';
import { type SimulationEvent, schedule } from '../../../src/simulation/schedule.ts';

const plan: Plan = { ...PLAN_DEFAULTS, seed: 7, durationMs: 60_000, crashEveryMs: 5_000 };

/** Events as text, for comparison. */
function flat(event: SimulationEvent): string {
  if (!('session' in event)) return JSON.stringify(event);
  const { session, ...rest } = event;
  const { userId, deviceId, platform } = session.device;
  return JSON.stringify({
    ...rest,
    number: session.number,
    server: session.server,
    userId,
    deviceId,
    platform,
  });
}

describe('a seed', () => {
  test('determines every login, logout, crash and query, and their times', () => {
    const first = [...schedule(plan)].map(flat);
    expect(first.length).toBeGreaterThan(5_000);
    expect([...schedule(plan)].map(flat)).toEqual(first);
  });

  test('produces another schedule if it differs', () => {
    const other = [...schedule({ ...plan, seed: 8 })].map(flat);
    expect(other).not.toEqual([...schedule(plan)].map(flat));
  });

  test('produces the same beginning for a longer simulation', () => {
    const short = [...schedule({ ...plan, durationMs: 10_000 })].map(flat);
    expect([...schedule(plan)].map(flat).slice(0, short.length)).toEqual(short);
  });

  test('produces the same sequence in every version', () => {
    const events = [...schedule({ ...plan, users: 3, queries: 0, durationMs: 200 })];
    expect(events.map(({ atMs, type }) => `${atMs.toFixed(1)} ${type}`)).toMatchInlineSnapshot(`
      [
        "13.7 login",
        "79.2 login",
        "102.1 login",
      ]
    `);
  });
});

describe('the schedule', () => {
  const events = [...schedule(plan)];
  const count = (type: SimulationEvent['type']) => events.filter((event) => event.type === type).length;

  test('is in order of time, within the duration, at the requested rates', () => {
    expect(events.every(({ atMs }, i) => atMs >= (events[i - 1]?.atMs ?? 0) && atMs < 60_000)).toBe(true);
    expect(count('query') / 60).toBeGreaterThan(90);
    expect(count('query') / 60).toBeLessThan(110);
    expect(count('login') / 60).toBeGreaterThan(18);
    expect(count('crash')).toBeGreaterThan(4);
    expect(count('crash') - count('restart')).toBeLessThan(PLAN_DEFAULTS.servers);
  });

  test('has no logins or logouts on a chat server that is down, and keeps one up', () => {
    const down = new Set<number>();
    for (const event of events) {
      if (event.type === 'crash') down.add(event.server);
      if (event.type === 'restart') down.delete(event.server);
      if ('session' in event) expect(down).not.toContain(event.session.server);
      expect(down.size).toBeLessThan(PLAN_DEFAULTS.servers);
    }
  });

  test('logs out only current sessions, not those that moved or whose chat server crashed', () => {
    const current = new Map<string, number>();
    const lost = new Set<number>();
    const byServer = new Map<number, Set<number>>();
    for (const event of events) {
      if (event.type === 'crash') for (const session of byServer.get(event.server) ?? []) lost.add(session);
      if (!('session' in event)) continue;
      const { number, server, device } = event.session;
      const name = `${device.userId}/${device.deviceId}`;
      if (event.type === 'login') {
        current.set(name, number);
        byServer.set(server, (byServer.get(server) ?? new Set()).add(number));
      } else {
        expect(current.get(name)).toBe(number);
        expect(lost).not.toContain(number);
      }
    }
    expect(lost.size).toBeGreaterThan(0);
  });

  test('gives a flapping connection a grace, and reconnects it within the grace', () => {
    const flapping = [...schedule({ ...plan, flapping: 100, crashEveryMs: Infinity })];
    const graces = flapping.flatMap((event) => (event.type === 'logout' && event.graceMs > 0 ? [event] : []));
    expect(graces.length).toBeGreaterThan(1_000);
    for (const { atMs, session, graceMs } of graces.slice(0, 100)) {
      const back = flapping.find(
        (event) => event.type === 'login' && event.atMs > atMs && event.session.device === session.device,
      );
      expect((back as SimulationEvent).atMs - atMs).toBeLessThan(graceMs);
    }
  });

  test('continues at the same rate by moving devices when everybody is online', () => {
    const few = [
      ...schedule({ ...plan, users: 2, sessionMs: 3_600_000, queries: 0, crashEveryMs: Infinity }),
    ];
    expect(few.filter(({ type }) => type === 'login').length).toBeGreaterThan(1_000);
  });
});
