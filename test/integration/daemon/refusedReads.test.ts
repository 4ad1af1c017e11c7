import { ServerCredentials } from '@grpc/grpc-js';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Operation } from '../../../packages/client/src/generated/imstate/v1/Operation.ts';
import { GrpcServer } from '../../../src/daemon/grpc/server.ts';
import { CallObserver } from '../../../src/daemon/observability/callObserver.ts';
import { ServerEvents } from '../../../src/daemon/observability/serverEvents.ts';
import { SessionCounters } from '../../../src/daemon/observability/sessionCounters.ts';
import { ConnectionCounts } from '../../../src/daemon/overload/connectionCounts.ts';
import { Load } from '../../../src/daemon/overload/load.ts';
import { Policies } from '../../../src/daemon/policies.ts';
import { Presence } from '../../../src/daemon/presence.ts';
import { Relays } from '../../../src/daemon/relays.ts';
import { UserData } from '../../../src/daemon/userData.ts';
import { WatchHub } from '../../../src/daemon/watch/hub.ts';
import { boundsOf, LIMITS, type LoadLimits } from '../../../src/presence/limits.ts';
import { auditTrailIn } from '../../support/audit.ts';
import { grpcClients } from '../../support/daemon.ts';
import { disposables } from '../../support/disposables.ts';
import { STORE_OPTIONS } from '../store/contract/underTest.ts';
import { makeEmbeddedStore } from '../store/stores.ts';

const RESOURCE_EXHAUSTED = 8;

function openApply(addr: string) {
  const clients = grpcClients(addr);
  disposables.push(() => clients.close());
  return clients.v1.apply();
}

/** A gRPC server whose internals the test can inspect. */
async function startServer() {
  const { store, remove } = await makeEmbeddedStore(STORE_OPTIONS);
  disposables.push(remove);
  await store.open();
  const logged: string[] = [];
  const log = pino({}, { write: (line) => void logged.push(line) });
  const presence = new Presence(store, new SessionCounters(), new ServerEvents(log), () => {}, STORE_OPTIONS);
  const observer = new CallObserver({ log, showIds: false, tracing: undefined });
  const limits: LoadLimits & { maxDevices: number } = {
    maxDevices: 1_000,
    maxConnections: 10,
    maxConnectionAgeMs: 0,
    maxCallsInFlight: 100,
    maxWatches: 10,
    maxWatchBacklogBytes: 2 ** 20,
  };
  const hub = new WatchHub(store, log, limits);
  const connectionCounts = new ConnectionCounts();
  const audit = auditTrailIn(store, log);
  const guard = undefined;
  const userData = new UserData(store, presence, hub);
  const server = new GrpcServer({
    presence,
    policies: new Policies(store, log),
    relays: new Relays(store),
    userData,
    hub,
    load: new Load(boundsOf(limits), log),
    limits,
    log,
    audit,
    guard,
    observer,
    connectionCounts,
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0 }, ServerCredentials.createInsecure());
  disposables.push(() => server.drain(1_000));
  return { addr: `127.0.0.1:${port}`, presence, observer, logged };
}

test('counts and logs operations that exceed the read limit', async () => {
  const { addr, presence, observer, logged } = await startServer();
  const apply = openApply(addr);
  const devices = Array.from({ length: 100 }, (_, i) => `device-${i}`);
  const logins = devices.map((deviceId) => ({
    online: { userId: 'alice', deviceId, serverAddr: '10.0.0.1:9000' },
  }));
  await apply.send({ operations: logins });
  const reads = ['alice', 'bob', 'alice'].map((userId): Operation => ({ getUser: { userId } }));
  const readAll = async () => (await apply.send({ operations: reads })).results.map(({ error }) => error);
  expect(await readAll()).toEqual([undefined, undefined, undefined]);
  // A rejected request stays rejected. Another caller holds all read memory, and has no response yet.
  const errors = await presence.reads.use('other', async (budget) => {
    expect(() => budget.spend(0, LIMITS.reads.max)).toThrow('bytes of sessions read for responses');
    return readAll();
  });
  const message = expect.stringMatching(/sessions read for responses.*nothing was done/);
  const refused = { code: RESOURCE_EXHAUSTED, message };
  expect(errors).toEqual([refused, refused, refused]);
  const totals = [...observer.counts.operations.totals()].find(({ name }) => name === 'get_user');
  expect(totals?.counts.get(RESOURCE_EXHAUSTED)).toBe(3);
  expect(logged.join()).toMatch(/the daemon holds.*overloaded: rejecting calls/);
  expect(await readAll()).toEqual([undefined, undefined, undefined]);
});
