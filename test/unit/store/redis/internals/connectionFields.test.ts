import { EventEmitter } from 'node:events';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { socketOf, unansweredCommands } from '../../../../../src/store/redis/internals/connectionFields.ts';
import { Replicas } from '../../../../../src/store/redis/replicas.ts';
import { makeShards, type Shard } from '../../../../../src/store/redis/shards.ts';
import { dropWhenSilent } from '../../../../../src/store/redis/silentConnection.ts';

const redisWith = (fields: object) => fields as unknown as Redis;

test('finds a command queue, and no socket before connecting, in the installed version of ioredis', () => {
  const redis = new Redis({ lazyConnect: true });
  expect(unansweredCommands(redis)).toBe(0);
  expect(socketOf(redis)).toBeUndefined();
});

test('reads the fields', () => {
  const stream = Object.assign(new EventEmitter(), { destroy: () => {} });
  const redis = redisWith({ stream, commandQueue: { length: 2 } });
  expect([unansweredCommands(redis), socketOf(redis)]).toEqual([2, stream]);
});

test.each([{}, { stream: null, commandQueue: null }, { stream: {}, commandQueue: {} }])(
  'ignores fields of another shape: %j',
  (fields) => {
    expect([unansweredCommands(redisWith(fields)), socketOf(redisWith(fields))]).toEqual([
      undefined,
      undefined,
    ]);
  },
);

test('relies on ioredis to drop silent connections if the fields are missing', () => {
  const redis = Object.assign(new EventEmitter(), { options: { socketTimeout: undefined } });
  dropWhenSilent(redisWith(redis));
  redis.emit('connect');
  expect(redis.options.socketTimeout).toBe(700);
});

test('never reports a write as safe if the fields are missing', async () => {
  const redis = redisWith({ wait: async () => 1 });
  const [shard] = makeShards('im:', 1) as [Shard];
  const { answer, notReplicated } = await new Replicas(redis, 1).write(shard, async () => 'written');
  expect(answer).toBe('written');
  expect(notReplicated?.message).toContain('it may be lost if the master of Redis fails now');
});
