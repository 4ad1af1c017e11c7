import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Client, credentials, Metadata, type ServiceDefinition, type status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import { expect, test } from 'vitest';
import { loadProtos } from '../../../../packages/client/src/wire/protos.ts';
import { METHOD_RULES, type Role } from '../../../../src/daemon/auth/roles.ts';
import { AUDIENCE, ISSUER, Issuer, keysFile, TokenFile } from '../../../support/credentials.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';

const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

/** The required role of each method, independent of the table in the code. */
const METHODS: Record<Role | 'everybody', string[]> = {
  everybody: ['Check', 'List', 'Watch'].map((name) => `/grpc.health.v1.Health/${name}`),
  reader: [
    '/pb.UserStatus/QueryUserStatus',
    ...[
      'GetUser',
      'BatchGetUsers',
      'Route',
      'ListHistory',
      'ListSessions',
      'ListServers',
      'GetStats',
      'GetFeatureLevel',
      'ListPolicies',
      'GetPolicy',
      'ListRelays',
      'Watch',
      'Apply',
    ].map((name) => `/imstate.v1.PresenceService/${name}`),
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
    ...['TopChannels', 'Servers', 'Server', 'ServerSockets', 'Channel', 'Subchannel', 'Socket'].map(
      (name) => `/grpc.channelz.v1.Channelz/Get${name}`,
    ),
  ],
  writer: [
    '/pb.UserStatus/Online',
    '/pb.UserStatus/Offline',
    ...['Online', 'Offline', 'Heartbeat', 'KeepServerAlive', 'DrainServer', 'ClaimRelay', 'CommitRelay'].map(
      (name) => `/imstate.v1.PresenceService/${name}`,
    ),
  ],
  admin: [
    'Evict',
    'FinishUpgrade',
    'ListAudit',
    'ExportUser',
    'EraseUser',
    'PutPolicy',
    'DeletePolicy',
    'SetDefaultPolicy',
    'PauseRelay',
    'ReplayRelay',
    'DeleteRelay',
  ].map((name) => `/imstate.v1.PresenceService/${name}`),
};

const MAY: Record<string, (keyof typeof METHODS)[]> = {
  reader: ['everybody', 'reader'],
  writer: ['everybody', 'reader', 'writer'],
  admin: ['everybody', 'reader', 'writer', 'admin'],
};

const require = createRequire(import.meta.url);
const protoOf = (name: string, path: string) => join(dirname(require.resolve(`${name}/package.json`)), path);

test('lists every method of every service', () => {
  const { pb, imstate } = loadProtos().types;
  const loaded = loadSync([
    healthProto,
    protoOf('@grpc/reflection', 'build/proto/grpc/reflection/v1/reflection.proto'),
    protoOf('@grpc/reflection', 'build/proto/grpc/reflection/v1alpha/reflection.proto'),
    protoOf('@grpc/grpc-js', 'proto/channelz.proto'),
  ]);
  const services = Object.values(loaded).filter((each) => !('format' in each)) as ServiceDefinition[];
  const served = [pb.UserStatus.service, imstate.v1.PresenceService.service, ...services]
    .flatMap((service) => Object.values(service as ServiceDefinition))
    .map(({ path }) => path);
  expect(Object.keys(METHOD_RULES).sort()).toEqual(served.sort());
  expect(Object.values(METHODS).flat().sort()).toEqual(served.sort());
});

test('allows each method only to callers with its role', async () => {
  const [file, issuer, foreign] = await Promise.all([TokenFile.make(), Issuer.make(), Issuer.make()]);
  const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks: await keysFile(issuer) };
  const daemon = await startDaemon({ auth: { tokens: file.path, jwt } });
  const client = new Client(daemon.addr, credentials.createInsecure());
  disposables.push(() => client.close());
  const past = Math.floor(Date.now() / 1_000) - 60;
  const good = {
    ...Object.fromEntries(
      Object.entries(file.tokens).map(([role, token]) => [role, [role, `Bearer ${token}`]]),
    ),
    'reader by JWT': ['reader', `Bearer ${await issuer.sign()}`],
    'writer by JWT': ['writer', `bearer ${await issuer.sign({ imstate_role: 'writer' })}`],
    'admin by JWT': ['admin', `Bearer ${await issuer.sign({ imstate_role: 'admin', aud: ['x', AUDIENCE] })}`],
  };
  const bad = {
    none: undefined,
    empty: '',
    'another scheme': `Basic ${file.tokens.admin}`,
    'no token': 'Bearer ',
    'a token that is not listed': 'Bearer imstate_nothing',
    'a hash instead of its token': 'Bearer e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'a token with a suffix': `Bearer ${file.tokens.admin}x`,
    'two tokens': `Bearer ${file.tokens.admin} ${file.tokens.admin}`,
    'a token that is too long': `Bearer imstate_${'x'.repeat(9_000)}`,
    'an expired JWT': `Bearer ${await issuer.sign({ imstate_role: 'admin', exp: past })}`,
    'a JWT without expiry': `Bearer ${await issuer.sign({ imstate_role: 'admin', exp: undefined })}`,
    'a JWT that is not valid yet': `Bearer ${await issuer.sign({ imstate_role: 'admin', nbf: past + 600 })}`,
    'a JWT for others': `Bearer ${await issuer.sign({ imstate_role: 'admin', aud: 'others' })}`,
    'a JWT of another issuer': `Bearer ${await issuer.sign({ imstate_role: 'admin', iss: 'x' })}`,
    'a JWT of a foreign key': `Bearer ${await foreign.sign({ imstate_role: 'admin' })}`,
    'a JWT without a signature': `Bearer ${unsigned()}`,
  };

  for (const [needed, paths] of Object.entries(METHODS)) {
    for (const path of paths) {
      for (const [who, [role, authorization]] of Object.entries(good) as [string, [string, string]][]) {
        const mayCall = (MAY[role] as string[]).includes(needed);
        const code = await callMethod(client, path, authorization);
        expect([path, who, code === PERMISSION_DENIED, code === UNAUTHENTICATED]).toEqual([
          path,
          who,
          !mayCall,
          false,
        ]);
      }
      for (const [what, authorization] of Object.entries(bad)) {
        const code = await callMethod(client, path, authorization);
        expect([path, what, code === UNAUTHENTICATED]).toEqual([path, what, needed !== 'everybody']);
      }
    }
  }
  await file.remove('writer');
  await expect
    .poll(() => callMethod(client, '/imstate.v1.PresenceService/GetStats', `Bearer ${file.tokens.writer}`), {
      timeout: 30_000,
    })
    .toBe(UNAUTHENTICATED);
  for (const [needed, paths] of Object.entries(METHODS)) {
    for (const path of paths) {
      const code = await callMethod(client, path, `Bearer ${file.tokens.writer}`);
      expect([path, 'revoked', code === UNAUTHENTICATED]).toEqual([path, 'revoked', needed !== 'everybody']);
    }
  }
  // The log contains none of the credentials, not even in denials.
  const log = daemon.logged.join('');
  expect(log).toContain('PERMISSION_DENIED');
  for (const secret of [
    ...Object.values(file.tokens),
    ...Object.values(bad),
    ...Object.values(good).flat(),
  ]) {
    const [, token = ''] = secret?.split(' ') ?? [];
    if (token.length > 20) expect(log).not.toContain(token.slice(0, 200));
  }
});

test('allows everything to everybody without authentication', async () => {
  const daemon = await startDaemon();
  const client = new Client(daemon.addr, credentials.createInsecure());
  disposables.push(() => client.close());
  expect(daemon.auth).toEqual([]);
  for (const path of Object.values(METHODS).flat()) {
    const code = await callMethod(client, path, 'Bearer nonsense');
    expect([path, [PERMISSION_DENIED, UNAUTHENTICATED].includes(code)]).toEqual([path, false]);
  }
});

/** Sends an empty message to a method of any kind; resolves with the status, or 0 at the first response. */
function callMethod(client: Client, path: string, authorization: string | undefined): Promise<status> {
  const metadata = new Metadata();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  const asItIs = (bytes: Buffer) => bytes;
  const stream = client.makeBidiStreamRequest(path, asItIs, asItIs, metadata, {
    deadline: Date.now() + 30_000,
  });
  return new Promise((resolve) => {
    stream.on('error', () => {});
    stream.on('status', ({ code }) => resolve(code));
    stream.on('data', () => {
      resolve(0);
      stream.cancel();
    });
    stream.write(Buffer.alloc(0));
    stream.end();
  });
}

function unsigned(): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claims = { iss: ISSUER, aud: AUDIENCE, exp: 4_000_000_000, imstate_role: 'admin' };
  return `${encode({ alg: 'none' })}.${encode(claims)}.`;
}
