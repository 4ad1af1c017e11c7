import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect, credsAuthenticator, type NatsConnection, nkeys } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { DeliveryError, type RelayTarget } from '../../../src/relay/target.ts';
import { type NatsOptions, openNats } from '../../../src/relay/targets/nats.ts';
import { Authority } from '../../support/authority.ts';
import { scratchDirectory } from '../../support/credentials.ts';
import { disposables } from '../../support/disposables.ts';
import { deliver, failureOf, relayEvent, relayEvents, targetUntilTheEnd } from '../../support/relayEvents.ts';
import { NOBODY, startNats } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

type Server = Awaited<ReturnType<typeof startNats>>;

async function serverUntilTheEnd(...args: string[]): Promise<Server> {
  const server = await startNats(...args);
  disposables.push(() => server.stop());
  return server;
}

function open(url: string, options?: NatsOptions): Promise<RelayTarget> {
  return targetUntilTheEnd(openNats(new URL(url), options));
}

/** Calls `use` with a connection of its own. */
async function withConnection<T>(
  { port }: Server,
  use: (connection: NatsConnection) => Promise<T>,
  options = {},
): Promise<T> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, ...options });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

/** A configuration of a server that trusts an operator, and a credentials file of a user; as nsc writes them. */
async function jwtSetup(): Promise<{ config: string; creds: string }> {
  const folder = await scratchDirectory();
  const [config, creds] = [join(folder, 'nats.conf'), join(folder, 'relay.creds')];
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const unlimited = { subs: -1, data: -1, payload: -1 };
  const accountJwt = signJwt(operator, account, {
    type: 'account',
    limits: {
      ...unlimited,
      conn: -1,
      leaf: -1,
      imports: -1,
      exports: -1,
      wildcards: true,
      mem_storage: -1,
      disk_storage: -1,
      streams: -1,
      consumer: -1,
    },
  });
  const operatorJwt = signJwt(operator, operator, { type: 'operator' });
  const system = nkeys.createAccount();
  const systemJwt = signJwt(operator, system, { type: 'account', limits: { ...unlimited, conn: -1 } });
  await writeFile(
    config,
    `operator: ${operatorJwt}
    system_account: ${system.getPublicKey()}
    resolver: MEMORY
    resolver_preload: { ${account.getPublicKey()}: ${accountJwt}, ${system.getPublicKey()}: ${systemJwt} }`,
  );
  const userJwt = signJwt(account, user, { type: 'user', ...unlimited });
  const seed = new TextDecoder().decode(user.getSeed());
  await writeFile(
    creds,
    `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n` +
      `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
  );
  return { config, creds };
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A JWT of NATS about the keys of `about`. */
function signJwt(signer: KeyPair, about: KeyPair, claims: object): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const body = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1_000),
    iss: signer.getPublicKey(),
    sub: about.getPublicKey(),
    name: 'test',
    nats: { version: 2, ...claims },
  };
  const signed = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(body)}`;
  return `${signed}.${Buffer.from(signer.sign(Buffer.from(signed))).toString('base64url')}`;
}

function addStream(server: Server, config: Partial<StreamConfig> = {}, options = {}): Promise<unknown> {
  return withConnection(
    server,
    async (connection) => {
      const manager = await jetstreamManager(connection);
      return manager.streams.add({ name: 'events', subjects: ['imstate.>'], ...config });
    },
    options,
  );
}

/** All messages of the stream, in order. */
function stored(server: Server, options = {}) {
  return withConnection(
    server,
    async (connection) => {
      const { streams } = await jetstreamManager(connection);
      const { state } = await streams.info('events');
      const messages = [];
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const message = await streams.getMessage('events', { seq });
        if (message !== null) messages.push(message);
      }
      return messages;
    },
    options,
  );
}

async function storedIds(server: Server): Promise<string[]> {
  return (await stored(server)).map((message) => message.header.get('Nats-Msg-Id'));
}

const idsOf = (events: readonly { id: string; source: string }[]) =>
  events.map(({ id, source }) => `${source}#${id}`);

test('stores events as CloudEvents, in order per user', async () => {
  const server = await serverUntilTheEnd();
  await addStream(server);
  const target = await open(server.url);
  expect(target.description).toBe(`${server.url}/imstate`);
  const events = relayEvents(target.maxEvents, ['alice', 'bob', 'carol']);
  await deliver(target, events);
  const messages = await stored(server);
  expect(messages).toHaveLength(events.length);
  for (const user of ['alice', 'bob', 'carol']) {
    const ofUser = events.filter(({ subject }) => subject === user);
    const received = messages.map((message) => message.json<{ subject: string }>());
    expect(received.filter(({ subject }) => subject === user)).toEqual(ofUser.map((each) => each.toJSON()));
  }
  const [first] = messages;
  expect(first?.subject).toBe('imstate.presence.session.started');
  expect(first?.header.get('content-type')).toBe('application/cloudevents+json');
  expect(first?.header.get('Nats-Msg-Id')).toBe(`${events[0]?.source}#${events[0]?.id}`);
});

test('stores an event without a user between those before and those after it', async () => {
  const server = await serverUntilTheEnd();
  await addStream(server);
  const target = await open(server.url);
  const events = [
    relayEvent(undefined, 0),
    ...relayEvents(3, ['alice', 'bob', 'carol']),
    relayEvent(undefined, 4),
  ];
  await deliver(target, events);
  expect(await storedIds(server)).toEqual(idsOf(events));
});

test('stores events once that are delivered again', async () => {
  const server = await serverUntilTheEnd();
  await addStream(server);
  const target = await open(server.url);
  const events = relayEvents(10, ['alice', 'bob']);
  await deliver(target, events.slice(0, 4));
  await deliver(target, events);
  expect((await storedIds(server)).toSorted()).toEqual(idsOf(events).toSorted());
});

test('publishes under the prefix of the URL', async () => {
  const server = await serverUntilTheEnd();
  await addStream(server, { subjects: ['chat.eu.>'] });
  const target = await open(`${server.url}/chat.eu`);
  await deliver(target, relayEvents(1));
  expect((await stored(server))[0]?.subject).toBe('chat.eu.presence.session.started');
});

test('a delivery fails without a stream, and succeeds once there is one', async () => {
  const server = await serverUntilTheEnd();
  const target = await open(server.url);
  const events = relayEvents(3);
  const failure = await failureOf(deliver(target, events));
  expect(failure).toBeInstanceOf(DeliveryError);
  expect(failure.message).toContain("create one with: nats stream add imstate --subjects 'imstate.>'");
  await addStream(server);
  await deliver(target, events);
  expect(await storedIds(server)).toEqual(idsOf(events));
});

test('stores no later event of a user if the stream rejects one', async () => {
  const server = await serverUntilTheEnd();
  await addStream(server, { max_msg_size: 1_000 });
  const target = await open(server.url);
  const events = relayEvents(4, ['alice', 'bob']);
  const [first, other, , otherLater] = events;
  const large = relayEvent('alice', 2).cloneWith({ data: 'x'.repeat(2_000) });
  const later = relayEvent('alice', 4);
  const failure = await failureOf(
    deliver(
      target,
      [first, other, large, otherLater, later].flatMap((each) => each ?? []),
    ),
  );
  expect(failure).toBeInstanceOf(DeliveryError);
  expect(failure.message).toContain('JetStream rejected an event (message size exceeds maximum allowed)');
  expect(await storedIds(server)).toEqual(idsOf([first, other, otherLater].flatMap((each) => each ?? [])));
});

test('a server that cannot be reached fails deliveries, not opening', async () => {
  const target = await open(`nats://relay:secret@${NOBODY}`);
  const failure = await failureOf(deliver(target, relayEvents(1)));
  expect(failure).toBeInstanceOf(DeliveryError);
  expect(failure.message).toContain(NOBODY);
  expect(failure.message).not.toContain('secret');
});

test('delivers again after the server was stopped and started', async () => {
  const server = await serverUntilTheEnd();
  await addStream(server);
  const target = await open(server.url);
  const events = relayEvents(4);
  await deliver(target, events.slice(0, 2));
  server.freeze();
  const inFlight = failureOf(deliver(target, events));
  await server.kill();
  for (const failure of [await inFlight, await failureOf(deliver(target, events))]) {
    expect(failure).toBeInstanceOf(DeliveryError);
    expect(failure.message).toContain(`127.0.0.1:${server.port}`);
  }
  await server.restart();
  await until(
    () =>
      deliver(target, events).then(
        () => true,
        () => false,
      ),
    'the server is back',
  );
  expect(await storedIds(server)).toEqual(idsOf(events));
});

test('a frozen server fails deliveries until it continues', async () => {
  const server = await serverUntilTheEnd();
  await addStream(server);
  const target = await open(server.url, { timeoutMs: 200 });
  const events = relayEvents(2);
  await deliver(target, events.slice(0, 1));
  server.freeze();
  expect((await failureOf(deliver(target, events))).message).toContain('no response within 200 ms');
  expect(await failureOf(deliver(target, events))).toBeInstanceOf(DeliveryError);
  server.thaw();
  await until(
    () =>
      deliver(target, events).then(
        () => true,
        () => false,
      ),
    'the server continues',
  );
  expect(await storedIds(server)).toEqual(idsOf(events));
});

test('rejects wrong credentials without repeating them', async () => {
  const server = await serverUntilTheEnd('--user', 'relay', '--pass', 'right');
  const failure = await failureOf(openNats(new URL(`nats://relay:wr%40ng@127.0.0.1:${server.port}`)));
  expect(failure).toMatchObject({ code: 'UNAUTHENTICATED', field: 'to' });
  expect(failure.message).toContain(`127.0.0.1:${server.port}`);
  expect(failure.message).not.toMatch(/wr(@|%40)ng/);
});

test('presents a user and password, or a token', async () => {
  const [user, pass] = ['relay', 'p@ss/word'];
  const server = await serverUntilTheEnd('--user', user, '--pass', pass);
  await addStream(server, {}, { user, pass });
  const target = await open(`nats://${user}:${encodeURIComponent(pass)}@127.0.0.1:${server.port}`);
  await deliver(target, relayEvents(1));
  expect(await stored(server, { user, pass })).toHaveLength(1);
  expect(target.description).toBe(`${server.url}/imstate`);

  const other = await serverUntilTheEnd('--auth', 'token-1');
  await addStream(other, {}, { token: 'token-1' });
  for (const each of [
    await open(other.url, { token: 'token-1' }),
    await open(other.url.replace('//', '//token-1@')),
  ])
    await deliver(each, relayEvents(1));
  expect(await stored(other, { token: 'token-1' })).toHaveLength(2);
});

test('presents a credentials file, and reads it for each connection', async () => {
  const { config, creds } = await jwtSetup();
  const server = await serverUntilTheEnd('-c', config);
  await addStream(server, {}, { authenticator: credsAuthenticator(await readFile(creds)) });
  const target = await open(server.url, { credsFile: creds });
  await deliver(target, relayEvents(1));
  await rm(creds);
  await deliver(target, relayEvents(1));
  await server.restart();
  const failure = await failureOf(deliver(target, relayEvents(1)));
  expect(failure).toBeInstanceOf(DeliveryError);
  expect(failure.message).toContain(creds);
});

test('presents a client certificate', async () => {
  const authority = await Authority.make();
  const { cert, key } = await authority.issue({ subject: 'nats' });
  const files = ['--tlscacert', authority.file, '--tlscert', cert, '--tlskey', key];
  const server = await serverUntilTheEnd('--tlsverify', ...files);
  const own = { ca: authority.file, ...(await authority.issue({ subject: 'relay' })) };
  const options = { tls: { caFile: own.ca, certFile: own.cert, keyFile: own.key } };
  await addStream(server, {}, options);
  const target = await open(`tls://127.0.0.1:${server.port}`, { tls: own });
  await deliver(target, relayEvents(2));
  expect(await stored(server, options)).toHaveLength(2);

  const withoutCertificate = await open(`tls://127.0.0.1:${server.port}`, { tls: { ca: authority.file } });
  const failure = await failureOf(deliver(withoutCertificate, relayEvents(1)));
  expect(failure).toBeInstanceOf(DeliveryError);
  // The reset of the connection may overtake the alert.
  expect(failure.message).toMatch(
    /give a certificate of a CA that it trusts with --to-tls-cert|or a client certificate$/,
  );
});

test('says that a server has no TLS', async () => {
  const server = await serverUntilTheEnd();
  const target = await open(`tls://127.0.0.1:${server.port}`);
  expect((await failureOf(deliver(target, relayEvents(1)))).message).toContain('the server has no TLS');
});

test('names the permissions that are missing', async () => {
  const config = join(await scratchDirectory(), 'nats.conf');
  await writeFile(
    config,
    `accounts: { A: { jetstream: enabled, users: [
      { user: admin, password: admin },
      { user: relay, password: secret, permissions: { publish: "other.>", subscribe: "_INBOX.>" } } ] } }`,
  );
  const server = await serverUntilTheEnd('-c', config);
  await addStream(server, {}, { user: 'admin', pass: 'admin' });
  const target = await open(server.url.replace('//', '//relay:secret@'), { timeoutMs: 2_000 });
  const failure = await failureOf(deliver(target, relayEvents(3)));
  expect(failure.message).toContain('permit this user to publish to imstate.> and to subscribe to _INBOX.>');
});

test('an aborted delivery rejects at once', async () => {
  const server = await serverUntilTheEnd();
  await addStream(server);
  const target = await open(server.url);
  server.freeze();
  const abort = new AbortController();
  const delivery = failureOf(target.deliver(relayEvents(1), 'delivery-1', abort.signal));
  abort.abort();
  expect(await delivery).toBeInstanceOf(DeliveryError);
  server.thaw();
});

test('closes twice, and delivers nothing afterwards', async () => {
  const server = await serverUntilTheEnd();
  await addStream(server);
  const target = await openNats(new URL(server.url));
  await target.close();
  await target.close();
  expect(await failureOf(deliver(target, relayEvents(1)))).toBeInstanceOf(DeliveryError);
});

test.each([
  ['http://127.0.0.1', {}, /must look like nats:/],
  ['nats:///imstate', {}, /must name one host/],
  ['nats://127.0.0.1/a?b=c', {}, /no \?query/],
  ['nats://127.0.0.1/a/b', {}, /"a\/b" is no subject prefix/],
  ['nats://127.0.0.1/a..b', {}, /"a..b" is no subject prefix/],
  ['nats://127.0.0.1/a.*', {}, /"a.\*" is no subject prefix/],
  ['nats://127.0.0.1/%24JS', {}, /"\$JS" is no subject prefix/],
  ['nats://us%er:pw@127.0.0.1', {}, /percent-encoded/],
  ['nats://user:secret@127.0.0.1', { token: 'secret' }, /exclude each other/],
  ['nats://127.0.0.1', { credsFile: '/dev/null' }, /credentials file \/dev\/null cannot be used/],
])('rejects %s with %o', async (url, options, message) => {
  const failure = await failureOf(openNats(new URL(url), options));
  expect(failure).toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'to',
    message: expect.stringMatching(message),
  });
  expect(failure.message).not.toContain('secret');
});
