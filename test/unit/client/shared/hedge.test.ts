import { expect, onTestFinished, test, vi } from 'vitest';
import { type Attempt, hedge } from '../../../../packages/client/src/shared/hedge.ts';

const silent: Attempt<never> = () => new Promise(() => {});
const fails = (message: string) => async () => {
  throw new Error(message);
};
const soon = { delayMs: 1, isFinal: () => false };
/** Longer than a test: an attempt starts only because another one has failed. */
const late = { ...soon, delayMs: 3_600_000 };

test('a silent attempt is overtaken and aborted', async () => {
  let lost = false;
  const loser: Attempt<string> = (signal) =>
    new Promise(() => {
      signal.addEventListener('abort', () => {
        lost = true;
      });
    });
  expect(await hedge([loser, async () => 'second'], soon)).toBe('second');
  expect(lost).toBe(true);
});

test('a failed attempt is followed by the next at once', async () => {
  expect(await hedge([fails('down'), async () => 'second'], late)).toBe('second');
});

test('the last error is the result if all fail', async () => {
  await expect(hedge([fails('first'), fails('second')], late)).rejects.toThrow('second');
  let end = (_: Error) => {};
  const slow: Attempt<never> = () =>
    new Promise((_, reject) => {
      end = reject;
    });
  const failing = hedge([slow, fails('second')], soon);
  setTimeout(() => end(new Error('slow')), 20);
  await expect(failing).rejects.toThrow('slow');
});

test('a final error is the result at once', async () => {
  const isFinal = (error: unknown) => (error as Error).message === 'denied';
  await expect(hedge([fails('denied'), silent], { ...late, isFinal })).rejects.toThrow('denied');
});

test('an attempt that responds in time is the only one', async () => {
  let rivals = 0;
  const rival = async () => {
    rivals += 1;
    return 'rival';
  };
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  expect(await hedge([async () => 'first', rival], soon)).toBe('first');
  await vi.advanceTimersByTimeAsync(10 * soon.delayMs);
  expect(rivals).toBe(0);
});
