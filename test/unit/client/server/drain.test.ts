import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Drain } from '../../../../packages/client/src/server/drain.ts';
import { HeldSessions } from '../../../../packages/client/src/server/heldSessions.ts';

const SESSIONS = 300;
const WINDOW_MS = 8_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** A drain whose sessions end once they are chosen; `times` are when, relative to its beginning. */
function drainOf(sessions: number) {
  const held = new HeldSessions(1_000);
  const login = (i: number) =>
    held.add({ userId: `user-${i}`, deviceId: 'phone', sessionId: `session-${i}` });
  for (let i = 0; i < sessions; i += 1) login(i).loginTime = new Date(0);
  const startedAt = performance.now();
  const times: number[] = [];
  const drain = new Drain(held, ({ sessionId }) => {
    times.push(performance.now() - startedAt);
    held.remove(sessionId);
  });
  return { drain, held, times, login };
}

/** The most sessions of any quarter of the window, relative to an even distribution. */
function peakOf(times: readonly number[]): number {
  const counts = times.map(
    (from) => times.filter((time) => time >= from && time < from + WINDOW_MS / 4).length,
  );
  return Math.max(...counts) / (SESSIONS / 4);
}

test('chooses all sessions until the deadline, at an even pace', () => {
  const { drain, times } = drainOf(SESSIONS);
  drain.update(WINDOW_MS);
  vi.advanceTimersByTime(WINDOW_MS + 200);
  expect(times.length).toBe(SESSIONS);
  expect(peakOf(times)).toBeLessThan(1.1);
});

test('keeps the pace when each tick is late', () => {
  // As in a busy process.
  const onTime = setTimeout;
  vi.stubGlobal('setTimeout', (run: () => void, ms: number) => onTime(run, ms + 70));
  const { drain, times } = drainOf(SESSIONS);
  drain.update(WINDOW_MS);
  vi.advanceTimersByTime(WINDOW_MS + 300);
  expect(times.length).toBe(SESSIONS);
  expect(peakOf(times)).toBeLessThan(1.2);
});

test('skips sessions whose login is in flight, and chooses them once it is answered', () => {
  const { drain, held, times, login } = drainOf(2);
  const pending = login(2);
  drain.update(WINDOW_MS);
  vi.advanceTimersByTime(2 * WINDOW_MS);
  expect([times.length, held.size, drain.progress?.left]).toEqual([2, 1, 1]);
  pending.loginTime = new Date(0);
  vi.advanceTimersByTime(200);
  expect([times.length, held.size, drain.progress?.left]).toEqual([3, 0, 0]);
});

test('a drain that is over at once takes the place of another', () => {
  const { drain, times } = drainOf(SESSIONS);
  drain.update(3_600_000);
  vi.advanceTimersByTime(5_000);
  drain.update(0);
  vi.advanceTimersByTime(1_300);
  expect(times.length).toBe(SESSIONS);
  const lastTick = times.filter((time) => time === times.at(-1)).length;
  expect(lastTick).toBeLessThan(SESSIONS / 3);
});

test('a process that was stopped past the deadline closes the rest in a second', () => {
  const onTime = setTimeout;
  const { drain, times } = drainOf(SESSIONS);
  drain.update(WINDOW_MS);
  vi.advanceTimersByTime(WINDOW_MS / 2);
  vi.stubGlobal('setTimeout', (run: () => void, ms: number) => onTime(run, ms + WINDOW_MS));
  vi.advanceTimersByTime(200);
  vi.unstubAllGlobals();
  vi.stubGlobal('setTimeout', onTime);
  vi.advanceTimersByTime(WINDOW_MS + 1_500);
  expect(times.length).toBe(SESSIONS);
  const perTick = new Map<number, number>();
  for (const time of times) perTick.set(time, (perTick.get(time) ?? 0) + 1);
  expect(Math.max(...perTick.values())).toBeLessThan(SESSIONS / 3);
});

test('chooses a session again that ended and returns under its ID', () => {
  const { drain, held, times, login } = drainOf(1);
  drain.update(WINDOW_MS);
  vi.advanceTimersByTime(2 * WINDOW_MS);
  login(0).loginTime = new Date(0);
  vi.advanceTimersByTime(200);
  expect([times.length, held.size]).toEqual([2, 0]);
});

test('chooses none after the end of the drain', () => {
  const { drain, times } = drainOf(SESSIONS);
  drain.update(WINDOW_MS);
  vi.advanceTimersByTime(WINDOW_MS / 2);
  const before = times.length;
  drain.update(undefined);
  vi.advanceTimersByTime(WINDOW_MS);
  expect([before > 100, times.length - before, drain.progress]).toEqual([true, 0, undefined]);
});
