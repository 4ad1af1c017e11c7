import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { StartDeadline } from '../../../src/daemon/startDeadline.ts';

const START_TIMEOUT_MS = 200;
const deadlines: StartDeadline[] = [];

afterEach(() => {
  for (const deadline of deadlines.splice(0)) deadline.end();
  vi.useRealTimers();
});

function makeDeadline(): StartDeadline {
  const deadline = new StartDeadline({
    startTimeoutMs: START_TIMEOUT_MS,
    log: pino({ level: 'silent' }),
  });
  deadlines.push(deadline);
  return deadline;
}

const answering = { code: 'STORE_UNAVAILABLE', description: 'redis', attempt: async () => 'open' } as const;
const silent = { ...answering, attempt: () => new Promise<never>(() => {}) };

test('does not count the time of excluded work', async () => {
  vi.useFakeTimers();
  const deadline = makeDeadline();
  const migrate = async () => {
    vi.advanceTimersByTime(2 * START_TIMEOUT_MS);
    return 'migrated';
  };
  expect(await deadline.exclude(migrate)).toBe('migrated');
  expect(await deadline.retry(answering)).toBe('open');
});

test('ends the wait for a dependency after excluded work that failed', async () => {
  const deadline = makeDeadline();
  await expect(deadline.exclude(() => Promise.reject(new Error('full')))).rejects.toThrow('full');
  await expect(deadline.retry(silent)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('did not answer within --start-timeout'),
  });
});
