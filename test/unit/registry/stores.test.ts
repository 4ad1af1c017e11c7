import { expect, test } from 'vitest';
import { storeMismatch } from '../../../src/registry/storeClaim.ts';

test.each([
  [1, 'is registered with store b. Daemons'],
  [2, 'is registered with store b (and 1 more daemon with another store). Daemons'],
  [3, 'is registered with store b (and 2 more daemons with another store). Daemons'],
])('counts %i daemons of another store in the error', (count, text) => {
  const others = new Map(Array.from({ length: count }, (_, i) => [`10.0.0.${i}:8080`, 'b']));
  expect(storeMismatch('10.0.0.9:8080', 'a', others).message).toContain(text);
});
