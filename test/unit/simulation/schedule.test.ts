import { describe, expect, test } from 'vitest';
import { PLAN_DEFAULTS, type Plan } from '../../../src/simulation/plan.ts';
import { type Step, schedule } from '../../../src/simulation/schedule.ts';

const plan: Plan = { ...PLAN_DEFAULTS, seed: 7, durationMs: 60_000, crashEveryMs: 5_000 };

/** Steps without what only objects tell apart. */
function flat(step: Step): string {
  if (!('session' in step)) return JSON.stringify(step);
  const { session, ...rest } = step;
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
  test('decides every login, logout, crash and query, and when they happen', () => {
    const first = [...schedule(plan)].map(flat);
    expect(first.length).toBeGreaterThan(5_000);
    expect([...schedule(plan)].map(flat)).toEqual(first);
  });

  test('is what makes the difference', () => {
    const other = [...schedule({ ...plan, seed: 8 })].map(flat);
    expect(other).not.toEqual([...schedule(plan)].map(flat));
  });

  test('gives a longer simulation the same begin', () => {
    const short = [...schedule({ ...plan, durationMs: 10_000 })].map(flat);
    expect([...schedule(plan)].map(flat).slice(0, short.length)).toEqual(short);
  });

  test('gives the sequence that it gave before', () => {
    const steps = [...schedule({ ...plan, users: 3, queries: 0, durationMs: 200 })];
    expect(steps.map(({ atMs, type }) => `${atMs.toFixed(1)} ${type}`)).toMatchInlineSnapshot(`
      [
        "13.7 login",
        "79.2 login",
        "102.1 login",
      ]
    `);
  });
});

describe('what happens', () => {
  const steps = [...schedule(plan)];
  const count = (type: Step['type']) => steps.filter((step) => step.type === type).length;

  test('is in order of time, within the duration, at the rates that were asked for', () => {
    expect(steps.every(({ atMs }, i) => atMs >= (steps[i - 1]?.atMs ?? 0) && atMs < 60_000)).toBe(true);
    expect(count('query') / 60).toBeGreaterThan(90);
    expect(count('query') / 60).toBeLessThan(110);
    expect(count('login') / 60).toBeGreaterThan(18);
    expect(count('crash')).toBeGreaterThan(4);
    expect(count('crash') - count('restart')).toBeLessThan(PLAN_DEFAULTS.servers);
  });

  test('a chat server that is down has no logins and no logouts, and one is always up', () => {
    const down = new Set<number>();
    for (const step of steps) {
      if (step.type === 'crash') down.add(step.server);
      if (step.type === 'restart') down.delete(step.server);
      if ('session' in step) expect(down).not.toContain(step.session.server);
      expect(down.size).toBeLessThan(PLAN_DEFAULTS.servers);
    }
  });

  test('only sessions that last are logged out: not those that moved or whose chat server crashed', () => {
    const current = new Map<string, number>();
    const lost = new Set<number>();
    const byServer = new Map<number, Set<number>>();
    for (const step of steps) {
      if (step.type === 'crash') for (const session of byServer.get(step.server) ?? []) lost.add(session);
      if (!('session' in step)) continue;
      const { number, server, device } = step.session;
      const name = `${device.userId}/${device.deviceId}`;
      if (step.type === 'login') {
        current.set(name, number);
        byServer.set(server, (byServer.get(server) ?? new Set()).add(number));
      } else {
        expect(current.get(name)).toBe(number);
        expect(lost).not.toContain(number);
      }
    }
    expect(lost.size).toBeGreaterThan(0);
  });

  test('a connection that flaps is given a grace, and is there again within it', () => {
    const flapping = [...schedule({ ...plan, flapping: 100, crashEveryMs: Infinity })];
    const graces = flapping.flatMap((step) => (step.type === 'logout' && step.graceMs > 0 ? [step] : []));
    expect(graces.length).toBeGreaterThan(1_000);
    for (const { atMs, session, graceMs } of graces.slice(0, 100)) {
      const back = flapping.find(
        (step) => step.type === 'login' && step.atMs > atMs && step.session.device === session.device,
      );
      expect((back as Step).atMs - atMs).toBeLessThan(graceMs);
    }
  });

  test('goes on at the same rate when everybody is online: devices move', () => {
    const few = [
      ...schedule({ ...plan, users: 2, sessionMs: 3_600_000, queries: 0, crashEveryMs: Infinity }),
    ];
    expect(few.filter(({ type }) => type === 'login').length).toBeGreaterThan(1_000);
  });
});
