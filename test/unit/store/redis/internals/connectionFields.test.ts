import { EventEmitter } from 'node:events';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { socketOf, unansweredCommands } from '../../../../../src/store/redis/internals/connectionFields.ts';
import { Replicas } from '../../../../../src/store/redis/replicas.ts';
import { makeShards, type Shard } from '../../../../../src/store/redis/shards.ts';
import { dropWhenSilent } from '../../../../../src/store/redis/silence.ts';

const redisWith = (fields: object) => fields as unknown as Redis;

test('the installed version of ioredis has a queue of commands, and no socket before it connects', () => {
  const redis = new Redis({ lazyConnect: true });
  expect(unansweredCommands(redis)).toBe(0);
  expect(socketOf(redis)).toBeUndefined();
});

test('the fields are read', () => {
  const stream = Object.assign(new EventEmitter(), { destroy: () => {} });
  const redis = redisWith({ stream, commandQueue: { length: 2 } });
  expect([unansweredCommands(redis), socketOf(redis)]).toEqual([2, stream]);
});

test.each([{}, { stream: null, commandQueue: null }, { stream: {}, commandQueue: {} }])(
  'fields of another shape are not used: %j',
  (fields) => {
    expect([unansweredCommands(redisWith(fields)), socketOf(redisWith(fields))]).toEqual([
      undefined,
      undefined,
    ]);
  },
);

test('without them ioredis itself drops a connection that is silent', () => {
  const redis = Object.assign(new EventEmitter(), { options: { socketTimeout: undefined } });
  dropWhenSilent(redisWith(redis));
  redis.emit('connect');
  expect(redis.options.socketTimeout).toBe(700);
});

test('without them a write is never taken for safe', async () => {
  const redis = redisWith({ wait: async () => 1 });
  const [shard] = makeShards('im:', 1) as [Shard];
  const { answer, unsafe } = await new Replicas(redis, 1).write(shard, async () => 'written');
  expect(answer).toBe('written');
  expect(unsafe?.message).toContain('it may be lost if the master of Redis fails now');
});
