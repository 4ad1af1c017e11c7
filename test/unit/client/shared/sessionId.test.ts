import { expect, test } from 'vitest';
import { makeSessionId } from '../../../../packages/client/src/shared/sessionId.ts';

test('makes distinct session IDs of 16 characters, none with a dash at its start', () => {
  const ids = Array.from({ length: 10_000 }, makeSessionId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_][\w-]{15}$/);
});
