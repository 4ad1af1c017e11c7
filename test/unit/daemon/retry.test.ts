import { expect, test } from 'vitest';
import { ImstateError } from '../../../packages/client/src/shared/errors.ts';
import { retry } from '../../../src/daemon/retry.ts';

const silence = new ImstateError('REGISTRY_UNAVAILABLE', 'it did not answer');
const onRetry = () => {};

test('hands over the late result of an attempt for clean-up', async () => {
  const over = new AbortController();
  const late: string[] = [];
  let finish = (_: string) => {};
  const attempt = () =>
    new Promise<string>((resolve) => {
      finish = resolve;
    });
  const options = { signal: over.signal, onRetry, onLate: (result: string) => late.push(result) };
  const waiting = expect(retry(attempt, silence, options)).rejects.toBe(silence);
  over.abort();
  await waiting;
  finish('a registration');
  await expect.poll(() => late).toEqual(['a registration']);
});

test('hands over the result of an attempt that starts after the abort', async () => {
  const late: string[] = [];
  const options = { signal: AbortSignal.abort(), onRetry, onLate: (result: string) => late.push(result) };
  await expect(retry(async () => 'a registration', silence, options)).rejects.toBe(silence);
  await expect.poll(() => late).toEqual(['a registration']);
});
