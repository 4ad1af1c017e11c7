import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamTable, useStreamTable } from '../../../../src/daemon/internals/http2StreamTable.ts';

type Change = { type: 'set' | 'delete'; id: number; stream: string } | { type: 'clear' };

const id = fc.integer({ min: 0, max: 20 });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constantFrom('set', 'delete'), id, stream: fc.string() }) },
  { weight: 1, arbitrary: fc.constant({ type: 'clear' } as const) },
);

function apply(table: Map<number, string>, change: Change): unknown {
  if (change.type === 'clear') return table.clear();
  return change.type === 'set' ? table.set(change.id, change.stream) === table : table.delete(change.id);
}

function contents(table: Map<number, string>) {
  const visited: unknown[] = [];
  table.forEach((stream, each, of) => {
    visited.push([each, stream, of === table]);
  });
  const byId = Array.from({ length: 21 }, (_, each) => [table.has(each), table.get(each)]);
  return {
    size: table.size,
    all: [...table],
    keys: [...table.keys()],
    values: [...table.values()],
    visited,
    byId,
  };
}

test('behaves like a Map', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const [table, map] = [new StreamTable<string>(), new Map<number, string>()];
      for (const each of changes) expect(apply(table, each)).toEqual(apply(map, each));
      expect(contents(table)).toEqual(contents(map));
    }),
  );
});

test('allows deletion of streams during iteration', () => {
  const table = new StreamTable<string>();
  for (const each of [1, 3, 5, 7]) table.set(each, `stream ${each}`);
  const visited: string[] = [];
  table.forEach((stream, each) => {
    visited.push(stream);
    table.delete(each);
    table.delete(5);
  });
  expect(visited).toEqual(['stream 1', 'stream 3', 'stream 7']);
  expect(table.size).toBe(0);
});

/** The state that Node.js keeps for a session, as far as the patch needs it. */
function sessionOf(streams: unknown) {
  const state = Symbol('state');
  return {
    session: { [state]: { streams } },
    streams: (session: object) => (session as Record<symbol, { streams: unknown }>)[state]?.streams,
  };
}

test('replaces the table of a session, and keeps its streams', () => {
  const { session, streams } = sessionOf(new Map([[1, 'stream 1']]));
  expect(useStreamTable(session, true)).toBe(true);
  expect(streams(session)).toBeInstanceOf(StreamTable);
  expect([...(streams(session) as Map<number, string>)]).toEqual([[1, 'stream 1']]);
});

test.each([
  ['keeps its streams in something else than a Map', sessionOf('mine').session],
  ['has no streams', { [Symbol('state')]: {} }],
  ['has no state', {}],
])('does not patch a session that %s', (_, session) => {
  const before = { ...session };
  expect(useStreamTable(session, true)).toBe(false);
  expect(session).toEqual(before);
});

test('does not patch a session on an untested version of Node.js', () => {
  const map = new Map();
  const { session, streams } = sessionOf(map);
  expect(useStreamTable(session, false)).toBe(false);
  expect(streams(session)).toBe(map);
});
