import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { DeliveryError, type RelayTarget } from '../../../src/relay/target.ts';
import { openRedisStream, type RedisStreamOptions } from '../../../src/relay/targets/redisStream.ts';
import { Authority } from '../../support/authority.ts';
import { disposables } from '../../support/disposables.ts';
import { deliver, failureOf, relayEvent, relayEvents, targetUntilTheEnd } from '../../support/relayEvents.ts';
import { NOBODY, startRedis, startTlsRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

type Server = Awaited<ReturnType<typeof startRedis>>;

async function untilTheEnd(starting: Promise<Server>): Promise<Server> {
  const server = await starting;
  disposables.push(() => server.stop());
  return server;
}

function open(url: string, options?: RedisStreamOptions): Promise<RelayTarget> {
  return targetUntilTheEnd(openRedisStream(new URL(url), options));
}

/** A connection of the test. */
function connectionTo(url: string): Redis {
  const redis = new Redis(url);
  // It reconnects.
  redis.on('error', () => {});
  disposables.push(() => redis.disconnect());
  return redis;
}

/** The fields of all entries, in order. */
async function stored(redis: Redis, key = 'events'): Promise<Record<string, string>[]> {
  const entries = await redis.xrange(key, '-', '+');
  return entries.map(([, fields]) =>
    Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : []))),
  );
}

/** Delivers until it succeeds. */
function untilDelivered(target: RelayTarget, events: ReturnType<typeof relayEvents>, what: string) {
  return until(
    () =>
      deliver(target, events).then(
        () => true,
        () => false,
      ),
    what,
  );
}

test('adds events in order, with their fields', async () => {
  const server = await untilTheEnd(startRedis());
  const target = await open(`${server.url}/events`);
  expect(target.description).toBe(`${server.url}/0/events`);
  const events = [relayEvent(undefined, 0), ...relayEvents(target.maxEvents - 1, ['alice', 'bob'])];
  await deliver(target, events);
  expect(await stored(connectionTo(server.url))).toEqual(
    events.map((event) => ({
      id: event.id,
      type: event.type,
      ...(event.subject !== undefined && { subject: event.subject }),
      event: JSON.stringify(event),
    })),
  );
});

test('uses the database and the key of the URL', async () => {
  const server = await untilTheEnd(startRedis());
  const target = await open(`${server.url}/2/im%2Fevents`);
  expect(target.description).toBe(`${server.url}/2/im%2Fevents`);
  await deliver(target, relayEvents(1));
  expect(await connectionTo(`${server.url}/2`).xlen('im/events')).toBe(1);
  expect(await connectionTo(server.url).dbsize()).toBe(0);
});

test('trims the stream', async () => {
  const server = await untilTheEnd(startRedis());
  const target = await open(`${server.url}/events`, { maxLength: 100 });
  for (let i = 0; i < 4; i++) await deliver(target, relayEvents(500));
  // Redis trims whole nodes of the stream, which have a hundred entries each.
  expect(await connectionTo(server.url).xlen('events')).toBeLessThan(300);
});

test('a Redis that cannot be reached fails deliveries, not opening', async () => {
  const target = await open(`redis://relay:secret@${NOBODY}/events`);
  const failure = await failureOf(deliver(target, relayEvents(1)));
  expect(failure).toBeInstanceOf(DeliveryError);
  expect(failure.message).toContain(NOBODY);
  expect(failure.message).not.toContain('secret');
});

test('delivers again after Redis was stopped and started', async () => {
  const server = await untilTheEnd(startRedis('--appendonly', 'yes', '--appendfsync', 'always'));
  const target = await open(`${server.url}/events`);
  const events = relayEvents(4);
  await deliver(target, events.slice(0, 2));
  server.freeze();
  const inFlight = failureOf(deliver(target, events.slice(2)));
  await server.kill();
  for (const failure of [await inFlight, await failureOf(deliver(target, events.slice(2)))]) {
    expect(failure).toBeInstanceOf(DeliveryError);
    expect(failure.message).toContain(`127.0.0.1:${server.port}`);
  }
  await server.restart();
  await untilDelivered(target, events.slice(2), 'Redis is back');
  expect((await stored(connectionTo(server.url))).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
});

test('a frozen Redis fails deliveries until it continues', async () => {
  const server = await untilTheEnd(startRedis());
  const target = await open(`${server.url}/events`, { timeoutMs: 200 });
  server.freeze();
  const events = relayEvents(2);
  expect(await failureOf(deliver(target, events))).toBeInstanceOf(DeliveryError);
  expect(await failureOf(deliver(target, events))).toBeInstanceOf(DeliveryError);
  server.thaw();
  await untilDelivered(target, events, 'Redis continues');
});

test('rejects wrong or missing credentials without repeating them', async () => {
  const server = await untilTheEnd(startRedis('--requirepass', 'right'));
  for (const credentials of [':wr%40ng@', 'relay:wr%40ng@', '']) {
    const url = new URL(`redis://${credentials}127.0.0.1:${server.port}/events`);
    const failure = await failureOf(openRedisStream(url));
    expect(failure).toMatchObject({ code: 'UNAUTHENTICATED', field: 'to' });
    expect(failure.message).toContain(`127.0.0.1:${server.port}`);
    expect(failure.message).not.toMatch(/wr(@|%40)ng/);
  }
  const target = await open(`redis://:right@127.0.0.1:${server.port}/events`);
  await deliver(target, relayEvents(1));
});

test('a Redis without room for connections is no reason not to open', async () => {
  const server = await untilTheEnd(startRedis('--maxclients', '1'));
  const redis = connectionTo(server.url);
  await redis.ping();
  const target = await open(`${server.url.replace('//', '//:secret@')}/events`);
  expect(await failureOf(deliver(target, relayEvents(1)))).toBeInstanceOf(DeliveryError);
  redis.disconnect();
  await untilDelivered(target, relayEvents(1), 'there is room');
});

test('rejects a database that does not exist, and adds nothing to another one', async () => {
  const server = await untilTheEnd(startRedis('--databases', '2'));
  const failure = await failureOf(openRedisStream(new URL(`${server.url}/2/events`)));
  expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', field: 'to' });
});

test('adds nothing to another database if the user may not select its own', async () => {
  const server = await untilTheEnd(startRedis());
  const admin = connectionTo(server.url);
  await admin.acl('SETUSER', 'relay', 'on', '>secret', '~*', '+@all', '-select');
  const target = await open(`${server.url.replace('//', '//relay:secret@')}/1/events`);
  for (let i = 0; i < 3; i++) {
    const failure = await failureOf(deliver(target, relayEvents(1)));
    expect(failure).toBeInstanceOf(DeliveryError);
    expect(failure.message).not.toContain('secret');
  }
  await admin.acl('SETUSER', 'relay', '+select');
  await untilDelivered(target, relayEvents(1), 'the user may select the database');
  expect(await admin.dbsize()).toBe(0);
  expect(await connectionTo(`${server.url}/1`).xlen('events')).toBe(1);
});

test('names the way out when the key is no stream', async () => {
  const server = await untilTheEnd(startRedis());
  const redis = connectionTo(server.url);
  await redis.set('events', 'text');
  const target = await open(`${server.url}/events`);
  const failure = await failureOf(deliver(target, relayEvents(2)));
  expect(failure).toBeInstanceOf(DeliveryError);
  expect(failure.message).toMatch(/WRONGTYPE.+name another key/);
  await redis.del('events');
  await deliver(target, relayEvents(2));
});

test('adds all events of a delivery or none when memory is short', async () => {
  const server = await untilTheEnd(startRedis('--maxmemory-policy', 'noeviction'));
  const redis = connectionTo(server.url);
  const target = await open(`${server.url}/events`);
  await redis.config('SET', 'maxmemory', '1');
  const failure = await failureOf(deliver(target, relayEvents(10)));
  expect(failure).toBeInstanceOf(DeliveryError);
  expect(failure.message).toMatch(/OOM.+raise maxmemory/);
  expect(await redis.xlen('events')).toBe(0);
  await redis.config('SET', 'maxmemory', '0');
  await deliver(target, relayEvents(10));
  expect(await redis.xlen('events')).toBe(10);
});

test('names the way out at a replica, and delivers once it is a master', async () => {
  const server = await untilTheEnd(startRedis());
  const redis = connectionTo(server.url);
  await redis.replicaof('127.0.0.1', 1);
  const target = await open(`${server.url}/events`);
  const failure = await failureOf(deliver(target, relayEvents(1)));
  expect(failure).toBeInstanceOf(DeliveryError);
  expect(failure.message).toMatch(/READONLY.+name the master/);
  await redis.replicaof('NO', 'ONE');
  await untilDelivered(target, relayEvents(1), 'it is a master');
});

test('names the permissions that are missing', async () => {
  const server = await untilTheEnd(startRedis());
  await connectionTo(server.url).acl('SETUSER', 'relay', 'on', '>secret', '~other', '+@all');
  const target = await open(`${server.url.replace('//', '//relay:secret@')}/events`);
  const failure = await failureOf(deliver(target, relayEvents(1)));
  expect(failure).toBeInstanceOf(DeliveryError);
  expect(failure.message).toMatch(/NOPERM.+permit this user/);
});

test('delivers with the permissions that it names', async () => {
  const server = await untilTheEnd(startRedis());
  const permissions = ['+multi', '+exec', '+xadd', '+select', '+info', '+client'];
  await connectionTo(server.url).acl('SETUSER', 'relay', 'on', '>secret', '~events', ...permissions);
  const target = await open(`${server.url.replace('//', '//relay:secret@')}/events`);
  await deliver(target, relayEvents(1));
});

test('presents a client certificate', async () => {
  const authority = await Authority.make();
  const tls = { ca: authority.file, ...(await authority.issue({ subject: 'redis' })) };
  const server = await untilTheEnd(startTlsRedis(tls));
  const own = { ca: authority.file, ...(await authority.issue({ subject: 'relay' })) };
  await deliver(await open(`${server.url}/events`, { tls: own }), relayEvents(1));
  await deliver(await open(`rediss://localhost:${server.port}/events`, { tls: own }), relayEvents(1));
  const withoutCertificate = await open(`${server.url}/events`, { tls: { ca: authority.file } });
  const failure = await failureOf(deliver(withoutCertificate, relayEvents(1)));
  expect(failure).toBeInstanceOf(DeliveryError);
  expect(failure.cause).toBeUndefined();
});

test('an aborted delivery rejects at once', async () => {
  const server = await untilTheEnd(startRedis());
  const target = await open(`${server.url}/events`);
  server.freeze();
  const abort = new AbortController();
  const delivery = failureOf(target.deliver(relayEvents(1), 'delivery-1', abort.signal));
  abort.abort();
  expect(await delivery).toBeInstanceOf(DeliveryError);
  server.thaw();
});

test('closes twice, and delivers nothing afterwards', async () => {
  const server = await untilTheEnd(startRedis());
  const target = await openRedisStream(new URL(`${server.url}/events`));
  await target.close();
  await target.close();
  expect(await failureOf(deliver(target, relayEvents(1)))).toBeInstanceOf(DeliveryError);
});

test.each([
  ['http://127.0.0.1/events', {}, /must look like redis:/],
  ['redis+cluster://127.0.0.1/events', {}, /must look like redis:/],
  ['redis:///events', {}, /must name one host/],
  ['redis://127.0.0.1', {}, /must name a stream/],
  ['redis://127.0.0.1/2', {}, /must name a stream/],
  ['redis://127.0.0.1/2/', {}, /must name a stream/],
  ['redis://127.0.0.1/x/events', {}, /must be a number/],
  ['redis://127.0.0.1/2/a/b', {}, /%2F/],
  ['redis://127.0.0.1/events?a=b', {}, /no \?query/],
  ['redis://relay@127.0.0.1/events', {}, /a user needs a password/],
  ['redis://:secret%@127.0.0.1/events', {}, /percent-encoded/],
  ['redis://127.0.0.1/events', { tls: {} }, /need a rediss:/],
])('rejects %s with %o', async (url, options, message) => {
  const failure = await failureOf(openRedisStream(new URL(url), options));
  expect(failure).toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'to',
    message: expect.stringMatching(message),
  });
  expect(failure.message).not.toContain('secret');
});
