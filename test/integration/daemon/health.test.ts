import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  type Client,
  type ClientDuplexStream,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import pkg from '../../../package.json' with { type: 'json' };
import { probeEndpoint } from '../../../packages/client/src/connection/probe.ts';
import { LIMITS } from '../../../src/presence/limits.ts';
import { FEATURE_LEVELS } from '../../../src/store/featureLevel.ts';
import { call, startTestDaemon, type TestDaemon } from '../../support/daemon.ts';

const require = createRequire(import.meta.url);
const reflectionProto = join(
  dirname(require.resolve('@grpc/reflection/package.json')),
  'build/proto/grpc/reflection/v1/reflection.proto',
);
let daemon: TestDaemon;

beforeAll(async () => {
  daemon = await startTestDaemon();
});

afterAll(() => daemon.remove());

test('reports health of the daemon and each service, and rejects unknown ones', async () => {
  const client = makeClient(healthProto, 'grpc.health.v1.Health') as HealthClient;
  const check = (request: object) => call<object>((options, done) => client.Check(request, options, done));
  for (const service of ['', 'pb.UserStatus', 'imstate.v1.PresenceService']) {
    expect(await check({ service })).toEqual({ status: 'SERVING' });
  }
  await expect(check({ service: 'nothing' })).rejects.toMatchObject({ code: 5 });
  client.close();
});

test('a probe returns health, latency, version and settings, and never rejects', async () => {
  expect(await probeEndpoint(daemon.addr, { timeoutMs: 30_000 })).toEqual({
    health: 'SERVING',
    latencyMs: expect.any(Number),
    uptimeMs: expect.any(Number),
    maxDevices: LIMITS.devices.max,
    version: pkg.version,
    featureLevels: FEATURE_LEVELS,
  });
  expect(await probeEndpoint('127.0.0.1:1', { timeoutMs: 30_000 })).toEqual({
    health: 'UNREACHABLE',
    latencyMs: undefined,
  });
});

test('reflection lists the services, and describes the frozen one exactly', async () => {
  const client = makeClient(reflectionProto, 'grpc.reflection.v1.ServerReflection') as Client & {
    ServerReflectionInfo(): ClientDuplexStream<object, ReflectionAnswer>;
  };
  const ask = (request: object) =>
    new Promise<ReflectionAnswer>((resolve, reject) => {
      const stream = client.ServerReflectionInfo();
      stream.on('data', resolve).on('error', reject);
      stream.write(request);
      stream.end();
    });
  const { listServicesResponse } = await ask({ listServices: '' });
  expect(listServicesResponse?.service.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['pb.UserStatus', 'imstate.v1.PresenceService', 'grpc.health.v1.Health']),
  );
  const { fileDescriptorResponse } = await ask({ fileContainingSymbol: 'pb.UserStatus' });
  const files = fileDescriptorResponse?.fileDescriptorProto.map((bytes) =>
    descriptor.FileDescriptorProto.decode(bytes),
  );
  const root = (protobuf.Root as unknown as { fromDescriptor(set: object): protobuf.Root }).fromDescriptor({
    file: files,
  });
  const { fields } = root.lookupType('pb.OnlineRequest');
  expect(Object.values(fields).map(({ name, id, type }) => [name, id, type])).toEqual([
    ['UserID', 1, 'string'],
    ['DeviceID', 2, 'string'],
    ['ServerAddr', 4, 'string'],
  ]);
  client.close();
});

type HealthClient = Client & {
  Check(request: object, options: object, done: (error: Error | null, response?: object) => void): void;
};

interface ReflectionAnswer {
  listServicesResponse?: { service: { name: string }[] };
  fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
}

function makeClient(proto: string, name: string): Client {
  const found = name.split('.').reduce<unknown>((at, part) => (at as GrpcObject)[part], loadTypes(proto));
  return new (found as ServiceClientConstructor)(daemon.addr, credentials.createInsecure());
}

function loadTypes(proto: string): GrpcObject {
  const folder = proto.split('/grpc/')[0] as string;
  return loadPackageDefinition(loadSync(proto, { enums: String, includeDirs: [folder] }));
}
