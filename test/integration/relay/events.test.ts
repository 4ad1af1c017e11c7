import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { Client, DeviceState } from '../../../packages/client/src/index.ts';
import { EventFactory } from '../../../src/relay/events.ts';
import { EVENT_TYPES } from '../../../src/relay/eventTypes.ts';
import { Relay } from '../../../src/relay/relay.ts';
import { sampleEvent } from '../../../src/relay/sampleEvent.ts';
import type { RelayEvent } from '../../../src/relay/target.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { startRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const SERVER = '10.0.0.1:9000';
const TYPES = Object.values(EVENT_TYPES);
const schema = JSON.parse(readFileSync('docs/relay-events.schema.json', 'utf8'));
const page = readFileSync('docs/relay.md', 'utf8');

// Its keys are those of JSON Schema; `allOf` and `properties` together would need a type in each.
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
ajv.addSchema(schema, 'events');
const isEvent: (event: unknown) => unknown = ajv.compile(schema);

/** An event as receivers parse it. */
interface ParsedEvent {
  id: string;
  source: string;
  type: string;
  subject?: string;
  data: Record<string, unknown>;
  [attribute: string]: unknown;
}

function parsed(event: RelayEvent): ParsedEvent {
  return JSON.parse(JSON.stringify(event));
}

/** What is wrong with an event, by the schema of its type; undefined if nothing is. */
function faultOf(event: ParsedEvent): string | undefined {
  if (isEvent(event)) return undefined;
  const ofType = ajv.compile({ $ref: `events#/$defs/${event.type}` });
  ofType(event);
  return ajv.errorsText(ofType.errors);
}

/** Runs a relay until it is stopped, or until the end of the test; it adds to `events` what it delivers. */
function run(client: Client, events: ParsedEvent[]): () => Promise<void> {
  const abort = new AbortController();
  const relay = new Relay({
    name: 'schema',
    holder: `test:${randomUUID().slice(0, 4)}`,
    client,
    target: {
      description: 'a test',
      maxEvents: 100,
      deliver: async (delivered) => void events.push(...delivered.map(parsed)),
      close: async () => {},
    },
    filter: { userPrefix: undefined, servers: undefined, types: undefined },
    log: { info: () => {}, warn: () => {} },
  });
  const ended = relay.run(abort.signal);
  const stop = async () => {
    abort.abort();
    await ended;
  };
  disposables.push(stop);
  return stop;
}

async function committed(client: Client, lastId: () => string | undefined): Promise<void> {
  await until(async () => {
    const [relay] = await client.listRelays();
    return relay?.lagChanges === 0 && lastId();
  }, 'all events are committed');
}

/** Events of all types, as a relay delivers them. */
async function realEvents(): Promise<ParsedEvent[]> {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const client = await clientOf((await startDaemon({ redis: redis.url })).addr);
  const events: ParsedEvent[] = [];
  const stop = run(client, events);
  await until(async () => (await client.listRelays())[0]?.revision, 'the relay has begun');
  const details = { platform: 'ios', clientIp: '192.0.2.7', label: "Anna's phone", appVersion: '1.2.3' };
  await client.online({ userId: 'anna', deviceId: 'phone', serverAddr: SERVER, ...details });
  await client.online({ userId: 'anna', deviceId: 'phone', serverAddr: SERVER });
  await client.online({ userId: 'anna', deviceId: 'phone', serverAddr: '10.0.0.2:9000', ...details });
  await client.online({ userId: 'anna', deviceId: 'web', serverAddr: SERVER, policy: 'replace-all' });
  await client.offline({ userId: 'anna', deviceId: 'web' });
  await client.online({ userId: 'bob', deviceId: 'phone', serverAddr: SERVER });
  await client.evict({ userId: 'bob', reasonText: 'a test' });
  await until(
    () => events.some(({ type, subject }) => subject === 'bob' && /offline$/.test(type)),
    'bob is evicted',
  );
  await committed(client, () => events.at(-1)?.id);
  await stop();

  const metadata = { city: 'Kyiv' };
  await client.online({ userId: 'carol', deviceId: 'phone', serverAddr: SERVER, ...details, metadata });
  await client.online({ userId: 'dave', deviceId: 'phone', serverAddr: SERVER });
  await client.offline({ userId: 'dave', deviceId: 'phone', graceMs: 60_000 });
  // As after a fail-over that loses the change logs.
  const admin = new Redis(redis.url);
  disposables.push(() => admin.disconnect());
  await admin.del(...(await admin.keys('*{*}:e')));
  run(client, events);
  await until(() => events.some(({ type }) => type === EVENT_TYPES.snapshotEnded), 'the snapshots arrive');
  return events;
}

test('describes every event that a relay delivers, and refuses each with anything missing or added', async () => {
  const events = await realEvents();
  expect([...new Set(events.map(({ type }) => type))].sort()).toEqual([...TYPES].sort());
  const reasons = events.map(({ data }) => (data.ended as { reason?: string } | null)?.reason);
  expect(reasons).toEqual(expect.arrayContaining(['LOGOUT', 'REPLACED', 'EVICTED']));
  for (const event of events) {
    expect([event, faultOf(event)]).toEqual([event, undefined]);
    for (const broken of brokenCopies(event)) expect([broken, isEvent(broken)]).toEqual([broken, false]);
  }
});

/** Copies of an event with one fault each. */
function brokenCopies(event: ParsedEvent): ParsedEvent[] {
  const { type, data } = event;
  const otherType = TYPES.find((each) => each.split('.')[1] !== type.split('.')[1]) as string;
  return [
    ...Object.keys(event).map((name) => ({ ...event, [name]: undefined }) as unknown as ParsedEvent),
    ...Object.keys(data).map((name) => ({ ...event, data: without(data, name) })),
    { ...event, data: { ...data, more: 1 } },
    { ...event, type: otherType },
    { ...event, type: `${type}.more` },
    { ...event, specversion: '0.3' },
    { ...event, source: 'urn:uuid:not-one' },
    { ...event, time: 'yesterday' },
    { ...event, datacontenttype: 'text/plain' },
  ].map((each) => JSON.parse(JSON.stringify(each)));
}

function without(data: Record<string, unknown>, name: string): Record<string, unknown> {
  const { [name]: _, ...rest } = data;
  return rest;
}

test('describes the event of imstate relay test', () => {
  const event = sampleEvent(randomUUID(), { userId: 'u', deviceId: 'd', serverAddr: '127.0.0.1:1' });
  expect(faultOf(parsed(event))).toBeUndefined();
});

test('describes a snapshot of a user with too many devices', () => {
  const session = { platform: undefined, loginTime: new Date(), clientIp: undefined, label: undefined };
  const device = {
    deviceId: 'phone',
    sessionId: 's-1',
    serverAddr: SERVER,
    appVersion: undefined,
    ...session,
  };
  const user = { userId: 'anna', devices: [device as DeviceState], devicesOmitted: 7 };
  const event = parsed(new EventFactory(randomUUID()).snapshot(randomUUID(), 1, user));
  expect(event.data).toMatchObject({ devicesOnline: 1, devicesOmitted: 7 });
  expect(faultOf(event)).toBeUndefined();
});

test('has one definition for each type', () => {
  const references = schema.oneOf.map(({ $ref }: { $ref: string }) => $ref.slice('#/$defs/'.length));
  expect(references.sort()).toEqual([...TYPES].sort());
});

test('docs/relay.md has a row for each type, and only valid examples', () => {
  const rows = [...page.matchAll(/^\| `(presence\.[a-z.]+)` \|/gm)].map(([, type]) => type);
  expect(rows.sort()).toEqual([...TYPES].sort());
  const examples = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json = '']) => JSON.parse(json));
  expect(examples.length).toBeGreaterThan(0);
  for (const event of examples) expect([event, faultOf(event)]).toEqual([event, undefined]);
});
