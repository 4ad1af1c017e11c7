import { describe, expect, test } from 'vitest';
import type { Change__Output } from '../../../../packages/client/src/generated/imstate/v1/Change.ts';
import type { WatchResponse__Output } from '../../../../packages/client/src/generated/imstate/v1/WatchResponse.ts';
import { type ErrorCode, ImstateError } from '../../../../packages/client/src/shared/errors.ts';
import { readEvents } from '../../../../packages/client/src/watch/readWatch.ts';
import { WatchedUsers } from '../../../../packages/client/src/watch/watchedUsers.ts';
import { WatchState, type WatchStateOptions } from '../../../../packages/client/src/watch/watchState.ts';

function stateOf(options: Partial<WatchStateOptions> = {}): WatchState {
  return new WatchState({
    users: undefined,
    resumeRevision: '',
    resumesAtTime: false,
    hasSnapshots: true,
    connectTimeoutMs: 60_000,
    ...options,
  });
}

function responseOf(fields: Partial<WatchResponse__Output>): WatchResponse__Output {
  return {
    snapshot: [],
    synced: false,
    changes: [],
    revision: '',
    laggingSince: null,
    caughtUp: false,
    coalesced: 0,
    resumedRevision: '',
    ...fields,
  };
}

function changeOf(userId: string, revision: string): Change__Output {
  const change = { userId, deviceId: 'phone', wasOnline: false, online: true, userOnline: true };
  return {
    ...change,
    session: null,
    ended: null,
    time: null,
    revision,
    moved: false,
    changeId: `c-${revision}`,
    devicesOnline: 1,
  };
}

/**
 * Delivers a response; returns the types of its events, each with the revision of the watch at its delivery.
 */
function deliver(state: WatchState, fields: Partial<WatchResponse__Output>): string[] {
  const response = responseOf(fields);
  const types = state.beginResponse(response) ? ['reconnected'] : [];
  for (const event of readEvents(response))
    if (state.apply(event, response)) types.push(`${event.type} ${state.revision}`.trim());
  state.endResponse(response);
  return types;
}

function recover(state: WatchState, code: ErrorCode): string[] {
  return [...state.recover(new ImstateError(code, code))].map(({ type }) => type);
}

const ALICE = { userId: 'alice', online: false, devices: [], metadataOmitted: false, devicesOmitted: 0 };

describe('the revision of a watch', () => {
  test('advances with each delivered event', () => {
    const state = stateOf({ resumeRevision: 'r0' });
    expect(state.beginStream()).toBe(true);
    const changes = [changeOf('alice', 'r1'), changeOf('bob', 'r2')];
    expect(deliver(state, { changes, revision: 'r3' })).toEqual(['change r1', 'change r2']);
    expect(state.revision).toBe('r3');
  });

  test('is empty until the first snapshot is complete', () => {
    const state = stateOf();
    expect(state.beginStream()).toBe(false);
    expect(deliver(state, { snapshot: [ALICE] })).toEqual(['snapshot']);
    expect(deliver(state, { synced: true, revision: 'r1' })).toEqual(['synced r1']);
    expect(state.beginStream()).toBe(true);
  });

  test('is dropped if no user can be resumed', () => {
    const users = new WatchedUsers(['alice'], false);
    const state = stateOf({ users, resumeRevision: 'r1' });
    expect([state.beginStream(), state.revision]).toEqual([false, '']);
  });
});

describe('an event is not delivered', () => {
  test('if its change was delivered before', () => {
    const state = stateOf({ resumeRevision: 'r0' });
    const changes = [changeOf('alice', 'r1')];
    expect(deliver(state, { changes, revision: 'r1' })).toEqual(['change r1']);
    expect(deliver(state, { changes, revision: 'r1' })).toEqual([]);
  });

  test('if its user was removed', () => {
    const state = stateOf({ users: new WatchedUsers(['bob'], true), resumeRevision: 'r0' });
    const changes = [changeOf('alice', 'r1'), changeOf('bob', 'r2')];
    expect(deliver(state, { changes, revision: 'r2' })).toEqual(['change r2']);
  });

  test('if it is a snapshot and none were requested', () => {
    expect(deliver(stateOf({ hasSnapshots: false }), { snapshot: [ALICE] })).toEqual([]);
  });
});

describe('a broken stream', () => {
  test('disconnects once, until the next response', () => {
    const state = stateOf({ resumeRevision: 'r0' });
    deliver(state, { revision: 'r1' });
    expect([recover(state, 'UNAVAILABLE'), recover(state, 'UNAVAILABLE')]).toEqual([['disconnected'], []]);
    expect(deliver(state, { revision: 'r2' })).toEqual(['reconnected', 'progress r2']);
  });

  test('begins at a time once, and resumes from then on', () => {
    const state = stateOf({ resumesAtTime: true, hasSnapshots: false });
    expect([state.beginStream(), state.resumesAtTime]).toEqual([false, true]);
    // A stream that breaks without a response.
    expect([recover(state, 'UNAVAILABLE'), state.resumesAtTime]).toEqual([[], true]);
    deliver(state, { changes: [changeOf('alice', 'r2')], resumedRevision: 'r1', revision: 'r2' });
    expect([state.resumesAtTime, state.revision, state.beginStream()]).toEqual([false, 'r2', true]);
    expect([recover(state, 'OUT_OF_RANGE'), state.resumesAtTime]).toEqual([['lost'], false]);
  });

  test('does not begin at a time on a daemon that does not know it', () => {
    const state = stateOf({ resumesAtTime: true, hasSnapshots: false });
    expect(() => deliver(state, { synced: true, revision: 'r1' })).toThrow('it needs version 0.2.0');
    expect(state.isFinal(new ImstateError('UNIMPLEMENTED', ''))).toBe(true);
  });

  test('loses an incomplete snapshot', () => {
    const state = stateOf();
    deliver(state, { snapshot: [ALICE] });
    expect(recover(state, 'UNAVAILABLE')).toEqual(['disconnected', 'lost']);
  });

  test('loses everything if the changes are gone', () => {
    const state = stateOf({ resumeRevision: 'r0' });
    expect([recover(state, 'OUT_OF_RANGE'), state.revision]).toEqual([['lost'], '']);
  });

  test('keeps the number of coalesced changes', () => {
    const state = stateOf();
    deliver(state, { coalesced: 2 });
    state.endStream();
    deliver(state, { coalesced: 3 });
    expect(state.coalesced).toBe(5);
  });
});

describe('the errors that end a watch', () => {
  const isFinal = (state: WatchState, code: ErrorCode) => state.isFinal(new ImstateError(code, code));

  test('at the start include those that pass later', () => {
    const state = stateOf();
    state.beginStream();
    const codes = [
      'NO_ENDPOINT',
      'UNIMPLEMENTED',
      'INVALID_ARGUMENT',
      'UNAVAILABLE',
      'OUT_OF_RANGE',
    ] as const;
    expect(codes.map((code) => isFinal(state, code))).toEqual([true, true, true, false, false]);
    deliver(state, { revision: 'r1' });
    expect(codes.map((code) => isFinal(state, code))).toEqual([false, false, true, false, false]);
  });

  test('at the start include all after the timeout of connecting', () => {
    const state = stateOf({ connectTimeoutMs: -1 });
    state.beginStream();
    expect(isFinal(state, 'UNAVAILABLE')).toBe(true);
  });

  test('do not include a token that was valid on this stream', () => {
    const state = stateOf();
    deliver(state, { revision: 'r1' });
    expect(isFinal(state, 'UNAUTHENTICATED')).toBe(false);
    state.beginStream();
    expect(isFinal(state, 'UNAUTHENTICATED')).toBe(true);
  });
});
