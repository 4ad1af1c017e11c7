import { type Metadata, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { grpcClients } from '../../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';

/**
 * The definitions of google/rpc/status.proto, google/rpc/error_details.proto and google/protobuf/any.proto.
 */
const { root } = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message BadRequest {
    message FieldViolation { string field = 1; string description = 2; }
    repeated FieldViolation field_violations = 1;
  }
`);

function statusIn({ metadata }: { metadata: Metadata }) {
  const [details] = metadata.get('grpc-status-details-bin');
  if (!(details instanceof Buffer)) return undefined;
  const Status = root.lookupType('google.rpc.Status');
  const { code, message, details: anys } = Status.toObject(Status.decode(details));
  const [{ typeUrl, value }] = anys;
  expect(typeUrl).toBe('type.googleapis.com/google.rpc.BadRequest');
  const BadRequest = root.lookupType('google.rpc.BadRequest');
  return { code, message, ...BadRequest.toObject(BadRequest.decode(value)) };
}

interface Failed {
  code: number;
  details: string;
  metadata: Metadata;
}

function rejected(call: Promise<unknown>): Promise<Failed> {
  return call.then(
    () => expect.unreachable('the call is answered'),
    (error) => error,
  );
}

async function start() {
  const { addr, http } = await startDaemon({ http: { addr: '127.0.0.1', port: 0 } });
  const clients = grpcClients(addr);
  disposables.push(() => clients.close());
  return { addr, http, ...clients };
}

test('returns google.rpc.BadRequest for a call with an invalid argument', async () => {
  const { v1, pb } = await start();
  const heartbeat = { sessions: [{ userId: 'u', deviceId: '', sessionId: 's' }] };
  for (const [call, field, message] of [
    [v1.heartbeat(heartbeat), 'sessions[0].device_id', 'sessions[0].device_id must not be empty'],
    [v1.getUser({ userId: '' }), 'user_id', 'user_id must not be empty'],
    [v1.listSessions({ pageSize: 1_001 }), 'page_size', 'page_size must be from 1 to 1000, or 0 for 100'],
    [pb.query({ UserID: '' }), 'UserID', 'UserID must not be empty'],
  ] as const) {
    const error = await rejected(call);
    expect(statusIn(error)).toEqual({
      code: status.INVALID_ARGUMENT,
      message,
      fieldViolations: [{ field, description: message }],
    });
    expect(error.details).toBe(message);
  }
});

test('ends a stream with google.rpc.BadRequest after an invalid message', async () => {
  const { v1 } = await start();
  const apply = v1.apply();
  const sent = rejected(apply.send({ operations: [] }));
  expect(statusIn(await apply.ended)).toMatchObject({ fieldViolations: [{ field: 'operations' }] });
  await sent;
  const lease = v1.keepServerAlive();
  const kept = rejected(lease.send({ serverAddr: 'nowhere', incarnation: 1 }));
  expect(statusIn(await lease.ended)).toMatchObject({ fieldViolations: [{ field: 'server_addr' }] });
  await kept;
});

test('adds no details to an error without a field', async () => {
  const { presence } = await start();
  const error = await new Promise<Failed>((resolve) => {
    const deadline = Date.now() - 1;
    presence.GetStats({}, { deadline }, (failed) => resolve(failed as Failed));
  });
  expect(error.code).toBe(status.DEADLINE_EXCEEDED);
  expect(error.metadata.get('grpc-status-details-bin')).toEqual([]);
});

test('gives the client the field of a failed call, operation or watch', async () => {
  const { addr } = await start();
  const client = await clientOf(addr);
  const session = { userId: 'u', deviceId: 'd', sessionId: 's' };
  const login = { ...session, serverAddr: '10.0.0.1:9000' };
  for (const [call, field] of [
    [() => client.listSessions({ pageSize: 1_001 }), 'page_size'],
    [() => client.listHistory({ userId: 'u', pageToken: 'nonsense' }), 'page_token'],
    [() => client.evict({ session: { ...session, deviceId: '' } }), 'session.device_id'],
    [() => client.getUsers(['u', '']), 'user_ids[1]'],
    [() => client.getUser({ userId: '' }), 'user_id'],
    [() => client.online({ ...login, ttlMs: 1 }), 'time_to_live'],
    [() => client.offline({ ...session, graceMs: 7_200_000 }), 'grace'],
    [() => client.heartbeat([{ ...session, userId: '' }]), 'heartbeat.user_id'],
    [() => client.online({ ...login, policy: 'all' as 'KEEP_ALL' }), 'policy'],
    [() => client.getStats({ timeoutMs: 0 }), 'timeoutMs'],
    [
      () =>
        client
          .watch({ users: [''] })
          [Symbol.asyncIterator]()
          .next(),
      'user_ids[0]',
    ],
    [
      () =>
        client
          .watch({ users: ['u'], resumeRevision: 'x' })
          [Symbol.asyncIterator]()
          .next(),
      'resume_revision',
    ],
  ] as [() => Promise<unknown>, string][]) {
    await expect(call()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field });
  }
  const elsewhere = await clientOf(addr);
  await elsewhere.close();
  await expect(elsewhere.getStats()).rejects.toMatchObject({ code: 'UNAVAILABLE', field: undefined });
});

test('names the parameter or the key of the body in the HTTP API', async () => {
  const { http } = await start();
  for (const [call, field] of [
    ['query?userId=', 'userId'],
    ['query?user=u', 'user'],
    ['sessions?pageSize=1001', 'pageSize'],
    ['watch?userId=u&most=x', 'most'],
  ]) {
    const { status: code, text } = await ask(`${http}/api/v1/${call}`);
    expect([code, JSON.parse(text).error]).toEqual([
      400,
      { code: 'INVALID_ARGUMENT', message: expect.any(String), field },
    ]);
  }
});
