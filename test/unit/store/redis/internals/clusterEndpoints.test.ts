import { EventEmitter } from 'node:events';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { completeEndpoints } from '../../../../../src/store/redis/internals/clusterEndpoints.ts';

type Done = (error: Error | null | undefined, slots?: unknown) => void;

/** A node reached as host `asked`, whose duplicate responds to CLUSTER SLOTS. */
function nodeWith(answer: (copy: EventEmitter, done: Done) => void) {
  return {
    options: { host: 'asked' },
    cluster: () => {},
    duplicate: () => {
      const copy = new EventEmitter();
      return Object.assign(copy, { cluster: (_: string, done: Done) => answer(copy, done) });
    },
  };
}

function slotsOf(node: ReturnType<typeof nodeWith>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    node.duplicate().cluster('SLOTS', (error, slots) => (error ? reject(error) : resolve(slots)));
  });
}

test('uses the endpoint that a node names, else its address, else the queried host', async () => {
  const metadata = ['hostname', 'a', 'ip', '10.0.0.2'];
  const node = nodeWith((_, done) =>
    done(null, [[0, 99, ['10.0.0.1', 6379, 'id'], ['?', 6380, 'id', metadata], [null, 6381, 'id']]]),
  );
  expect(completeEndpoints(node as unknown as Redis)).toBe(true);
  expect(await slotsOf(node)).toEqual([
    [0, 99, ['10.0.0.1', 6379, 'id', []], ['10.0.0.2', 6380, 'id', metadata], ['asked', 6381, 'id', []]],
  ]);
});

test('reports the error of a node that does not respond', async () => {
  const node = nodeWith((copy, done) => {
    copy.emit('error', new Error('the certificate has expired'));
    done(new Error('Connection is closed.'));
  });
  completeEndpoints(node as unknown as Redis);
  await expect(slotsOf(node)).rejects.toThrow('the certificate has expired');
});

test('patches the installed version of ioredis', () => {
  expect(completeEndpoints(new Redis({ lazyConnect: true }))).toBe(true);
});

test('does not patch a node of another shape', () => {
  const node = { options: {} };
  expect(completeEndpoints(node as unknown as Redis)).toBe(false);
  expect(node).toEqual({ options: {} });
});
