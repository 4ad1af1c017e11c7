import { describe, expect, test } from 'vitest';
import {
  checkRelayName,
  claimRelay,
  commitRelay,
  pauseRelay,
  RELAY_CLAIM_MS,
  type Relay,
  type RelayProgress,
  replayRelay,
} from '../../../src/presence/relays.ts';

const NOW = 1_000_000;
const CLAIM = { name: 'billing', holderId: 'a', holder: 'host-a:1', target: 'https://x', knownRevision: '' };

function claimed(changes: Partial<Relay> = {}): Relay {
  return { ...(claimRelay({ nowMs: NOW, relays: [] }, CLAIM) as Relay), ...changes };
}

function progressOf(relay: Relay, changes: Partial<RelayProgress> = {}): RelayProgress {
  const { name, holderId, fence } = relay;
  const nothing = { revision: '', deliveredTimeMs: 0, delivered: 0, failed: 0, snapshots: 0 };
  return { name, holderId, fence, ...nothing, lastError: '', pauses: false, releases: false, ...changes };
}

describe('claimRelay', () => {
  test('creates a relay, which begins where the process knows', () => {
    const relay = claimRelay({ nowMs: NOW, relays: [] }, { ...CLAIM, knownRevision: 'r7' });
    expect(relay).toMatchObject({
      version: 1,
      fence: 1,
      revision: 'r7',
      claimedUntilMs: NOW + RELAY_CLAIM_MS,
    });
  });

  test('renews the own claim, and refuses that of another process until it has run out', () => {
    const relay = claimed();
    const other = { ...CLAIM, holderId: 'b' };
    expect(claimRelay({ nowMs: NOW + 1, relays: [relay] }, CLAIM)).toMatchObject({ fence: 1, version: 2 });
    expect(claimRelay({ nowMs: NOW + RELAY_CLAIM_MS - 1, relays: [relay] }, other)).toBeUndefined();
    expect(claimRelay({ nowMs: NOW + RELAY_CLAIM_MS, relays: [relay] }, other)).toMatchObject({
      fence: 2,
      holderId: 'b',
    });
  });

  test('takes over at once if the clock was set back since the claim', () => {
    const relay = claimed();
    const other = { ...CLAIM, holderId: 'b' };
    expect(claimRelay({ nowMs: NOW - 3_600_000, relays: [relay] }, other)).toMatchObject({
      holderId: 'b',
      fence: 2,
    });
  });

  test('rejects one relay too many', () => {
    const relays = Array.from({ length: 100 }, (_, i) => claimed({ name: `r${i}` }));
    expect(() => claimRelay({ nowMs: NOW, relays }, CLAIM)).toThrow('there are 100 relays');
  });
});

describe('commitRelay', () => {
  test('advances, counts, and renews the claim', () => {
    const relay = claimed();
    const progress = progressOf(relay, { revision: 'r1', delivered: 3, deliveredTimeMs: 5, failed: 1 });
    expect(commitRelay({ nowMs: NOW + 100, relays: [relay] }, progress)).toMatchObject({
      revision: 'r1',
      delivered: 3,
      failed: 1,
      deliveredTimeMs: 5,
      claimedUntilMs: NOW + 100 + RELAY_CLAIM_MS,
    });
  });

  test('keeps the last error until a delivery', () => {
    const failed = commitRelay(
      { nowMs: NOW, relays: [claimed()] },
      progressOf(claimed(), { failed: 1, lastError: 'HTTP 500' }),
    );
    const renewed = commitRelay({ nowMs: NOW, relays: [failed] }, progressOf(failed));
    expect(renewed.lastError).toBe('HTTP 500');
    const delivered = commitRelay({ nowMs: NOW, relays: [renewed] }, progressOf(renewed, { delivered: 1 }));
    expect(delivered.lastError).toBe('');
  });

  test('rejects the process that was replaced, also after a replay', () => {
    const relay = claimed();
    const replayed = replayRelay({ nowMs: NOW, relays: [relay] }, 'billing', 'r0');
    for (const current of [{ ...relay, holderId: 'b', fence: 2 }, replayed])
      expect(() => commitRelay({ nowMs: NOW, relays: [current] }, progressOf(relay))).toThrow(
        'claim it again',
      );
    expect(claimRelay({ nowMs: NOW, relays: [replayed] }, CLAIM)).toMatchObject({ fence: 2, revision: 'r0' });
  });

  test('gives the claim up', () => {
    const relay = claimed();
    const released = commitRelay({ nowMs: NOW + 1, relays: [relay] }, progressOf(relay, { releases: true }));
    const other = { ...CLAIM, holderId: 'b' };
    expect(claimRelay({ nowMs: NOW + 1, relays: [released] }, other)).toMatchObject({
      holderId: 'b',
      fence: 2,
    });
  });

  test('rejects an unknown relay', () => {
    expect(() => commitRelay({ nowMs: NOW, relays: [] }, progressOf(claimed()))).toThrow(
      'no relay "billing"',
    );
  });
});

test('pauses and resumes', () => {
  const paused = pauseRelay({ nowMs: NOW, relays: [claimed()] }, 'billing', true);
  expect([paused.isPaused, paused.version]).toEqual([true, 2]);
  expect(pauseRelay({ nowMs: NOW, relays: [paused] }, 'billing', false).isPaused).toBe(false);
});

test.each(['', 'A', '-a', 'a b', 'a'.repeat(64), 'ä'])('rejects the name %j', (name) => {
  expect(() => checkRelayName(name)).toThrow('name must be');
});
