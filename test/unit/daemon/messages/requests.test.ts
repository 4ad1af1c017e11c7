import pino from 'pino';
import { expect, test } from 'vitest';
import { fieldOfOperation } from '../../../../packages/client/src/batching/operationField.ts';
import { ImstateError } from '../../../../packages/client/src/shared/errors.ts';
import { readOperation } from '../../../../src/daemon/grpc/operations.ts';
import { readPolicy } from '../../../../src/daemon/messages/policyRequests.ts';
import { readClaim, readProgress } from '../../../../src/daemon/messages/relayMessages.ts';
import {
  readBatch,
  readEviction,
  readKeepAlive,
  readSessions,
  readWatchTarget,
} from '../../../../src/daemon/messages/requests.ts';
import { Policies } from '../../../../src/daemon/policies.ts';
import { parseRevision } from '../../../../src/daemon/watch/revision.ts';
import { LIMITS } from '../../../../src/presence/limits.ts';
import { checkPageSize } from '../../../../src/presence/validate.ts';
import { parsePageToken } from '../../../../src/store/pageToken.ts';

const SESSION = { userId: 'u', deviceId: 'd', sessionId: 's' };
const LOGIN = {
  ...SESSION,
  serverAddr: '10.0.0.1:9000',
  platform: '',
  timeToLive: null,
  metadata: {} as Record<string, string>,
  loginPolicy: 0,
  serverIncarnation: 0,
  loginTime: null,
  clientIp: '',
  label: '',
  appVersion: '',
  policy: '',
  validateOnly: false,
};
const LEASE = { serverAddr: '10.0.0.1:9000', incarnation: 1, timeToLive: null, resynced: '' };
const START = {
  userIds: [] as string[],
  serverAddrs: [] as string[],
  everything: false,
  initialState: true,
  resumeRevision: '',
  coalesce: false,
};

const policies = new Policies({} as never, pino({ level: 'silent' }));
const readOne = (operation: object) => readOperation(operation as never, policies, undefined);
const login = (fields: object) => readOne({ online: { ...LOGIN, ...fields } });
const logout = (fields: object) => readOne({ offline: { ...SESSION, grace: null, ...fields } });
const heartbeat = (fields: object) => readOne({ heartbeat: { ...SESSION, ...fields } });
const getUser = (fields: object) =>
  readOne({ getUser: { userId: 'u', deviceId: '', explain: false, ...fields } });
const keepAlive = (fields: object, known = '') => readKeepAlive({ ...LEASE, ...fields } as never, known);
const watch = (fields: object) => readWatchTarget({ ...START, ...fields } as never);
const evict = (fields: object) =>
  readEviction({
    serverAddr: '',
    userId: '',
    session: null,
    device: null,
    reasonText: '',
    ...fields,
  } as never);

const LIMIT = { per: 3, className: '', max: 1, onConflict: 3 };
const classOf = (name: string) => ({ name, platforms: ['ios'] });
const policy = (fields: object) =>
  readPolicy({
    policy: { name: 'x', platforms: [], classes: [], limits: [], exclusive: [], ...fields },
  } as never);

const claim = (fields: object) =>
  readClaim({ name: 'x', holderId: 'h', holder: '', target: '', knownRevision: '', ...fields } as never);
const progress = (fields: object) =>
  readProgress({
    name: 'x',
    holderId: 'h',
    delivered: 0,
    failed: 0,
    snapshots: 0,
    lastError: '',
    ...fields,
  } as never);

const text = (bytes: number) => 'x'.repeat(bytes + 1);
const many = (count: number) => Array.from({ length: count + 1 }, (_, i) => `${i}`);
const entries = (count: number) => Object.fromEntries(many(count).map((key) => [key, '']));

/** A rule: its limit, if any; the field of the error; and a function that violates the rule. */
type Rule = [limit: keyof typeof LIMITS | 'none', field: string, read: () => unknown];

const operationRules: Rule[] = [
  ['id', 'user_id', () => login({ userId: text(LIMITS.id.max) })],
  ['id', 'device_id', () => logout({ deviceId: text(LIMITS.id.max) })],
  ['id', 'session_id', () => logout({ sessionId: text(LIMITS.id.max) })],
  ['id', 'heartbeat.user_id', () => heartbeat({ userId: text(LIMITS.id.max) })],
  ['id', 'heartbeat.device_id', () => heartbeat({ deviceId: text(LIMITS.id.max) })],
  ['id', 'heartbeat.session_id', () => heartbeat({ sessionId: text(LIMITS.id.max) })],
  ['address', 'server_addr', () => login({ serverAddr: text(LIMITS.address.max) })],
  ['platform', 'platform', () => login({ platform: text(LIMITS.platform.max) })],
  ['metadata', 'metadata', () => login({ metadata: { key: text(LIMITS.metadata.max) } })],
  ['metadataEntries', 'metadata', () => login({ metadata: entries(LIMITS.metadataEntries.max) })],
  ['label', 'label', () => login({ label: text(LIMITS.label.max) })],
  ['appVersion', 'app_version', () => login({ appVersion: text(LIMITS.appVersion.max) })],
  ['none', 'label', () => login({ label: 'a\nb' })],
  ['none', 'app_version', () => login({ appVersion: '\u0000' })],
  ...[
    '1.2.3',
    '1.2.3.4:80',
    '[::1]',
    'fe80::1%eth0',
    '0x7f.1',
    '010.1.1.1',
    'host',
    '1.2.3.4/24',
    ' 1.2.3.4',
  ].map((clientIp): Rule => ['none', 'client_ip', () => login({ clientIp })]),
  ['none', 'include_last_seen', () => getUser({ deviceId: 'd', includeLastSeen: true })],
  ['none', 'user_id', () => getUser({ userId: '' })],
  ['none', 'device_id', () => getUser({ deviceId: 'a\nb' })],
  ['none', 'server_addr', () => login({ serverAddr: 'nowhere' })],
  ['none', 'metadata', () => login({ metadata: { '': 'v' } })],
  ['none', 'time_to_live', () => login({ timeToLive: { seconds: 0, nanos: 0 } })],
  ['none', 'login_policy', () => login({ loginPolicy: 7 })],
  ['none', 'platform', () => login({ loginPolicy: 2 })],
  ['none', 'policy', () => login({ policy: 'unknown' })],
  ['none', 'policy', () => login({ policy: 'keep-all', loginPolicy: 1 })],
  ['none', 'user_id', () => login({ userId: '', validateOnly: true })],
  ['none', 'device_id', () => login({ deviceId: 'a\nb', validateOnly: true })],
  ['none', 'server_incarnation', () => login({ serverIncarnation: -1 })],
  ['none', 'login_time', () => login({ loginTime: { seconds: -1, nanos: 0 } })],
  ['none', 'session_id', () => login({ sessionId: '', loginTime: { seconds: 5, nanos: 0 } })],
  ['none', 'grace', () => logout({ grace: { seconds: 3_601, nanos: 0 } })],
  ['none', 'operation', () => readOne({})],
];

const callRules: Rule[] = [
  ['id', 'sessions[0].device_id', () => readSessions([{ ...SESSION, deviceId: text(LIMITS.id.max) }])],
  ['id', 'user_ids[1]', () => readBatch(['u', text(LIMITS.id.max)])],
  ['id', 'session.session_id', () => evict({ session: { ...SESSION, sessionId: text(LIMITS.id.max) } })],
  ['address', 'server_addr', () => evict({ serverAddr: text(LIMITS.address.max) })],
  ['address', 'server_addrs[0]', () => watch({ serverAddrs: [text(LIMITS.address.max)] })],
  ['batchUsers', 'user_ids', () => readBatch(many(LIMITS.batchUsers.max))],
  [
    'heartbeatSessions',
    'sessions',
    () => readSessions(many(LIMITS.heartbeatSessions.max).map(() => SESSION)),
  ],
  ['page', 'page_size', () => checkPageSize('page_size', LIMITS.page.max + 1, 100)],
  ['watchedServers', 'server_addrs', () => watch({ serverAddrs: many(LIMITS.watchedServers.max) })],
  ['none', 'sessions', () => readSessions([])],
  ['none', 'user_ids', () => readBatch([])],
  ['none', 'incarnation', () => keepAlive({ incarnation: 0 })],
  ['none', 'time_to_live', () => keepAlive({ timeToLive: { seconds: 7_200, nanos: 0 } })],
  ['none', 'server_addr', () => keepAlive({}, '10.0.0.2:9000')],
  ['none', 'start', () => watch({})],
  ['none', 'initial_state', () => watch({ userIds: ['u'], resumeRevision: 'r' })],
  ['none', 'user_ids', () => watch({ userIds: many(10_000), initialState: false })],
  ['none', 'target', () => evict({})],
  ['none', 'device.device_id', () => evict({ device: { userId: 'u', deviceId: '' } })],
  ['reasonText', 'reason_text', () => evict({ userId: 'u', reasonText: text(LIMITS.reasonText.max) })],
  ['policyName', 'policy.name', () => policy({ name: text(LIMITS.policyName.max) })],
  ['policyLimits', 'policy.limits', () => policy({ limits: many(LIMITS.policyLimits.max).map(() => LIMIT) })],
  ['policyClasses', 'policy.classes', () => policy({ classes: many(LIMITS.policyClasses.max).map(classOf) })],
  ['policyPlatforms', 'policy.platforms', () => policy({ platforms: many(LIMITS.policyPlatforms.max) })],
  ['none', 'policy', () => readPolicy({ policy: null })],
  ['relayTarget', 'target', () => claim({ target: text(LIMITS.relayTarget.max) })],
  ['id', 'holder_id', () => claim({ holderId: text(LIMITS.id.max) })],
  ['none', 'delivered', () => progress({ delivered: -1 })],
  ['none', 'page_token', () => parsePageToken('nonsense', [''])],
  ['none', 'resume_revision', () => parseRevision('nonsense')],
];

const rules = [...operationRules, ...callRules];

test('tests each limit whose excess is an invalid argument', () => {
  const invalid = Object.entries(LIMITS).filter(([, { beyond }]) => beyond === '`INVALID_ARGUMENT`');
  // The handler of Apply checks the size of a batch: see test/integration/daemon/grpc/errorDetails.test.ts.
  const names = invalid.map(([name]) => name).filter((name) => name !== 'batchOperations');
  expect(names.filter((name) => !rules.some(([limit]) => limit === name))).toEqual([]);
});

test.each(rules)(
  'limit %s: the error names the field %s, also at the start of its message',
  (_, field, read) => {
    const error = errorOf(read);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', field });
    expect(error.message.startsWith(`${field} `)).toBe(true);
  },
);

test.each(operationRules)(
  'limit %s: the client reads the field %s of a failed operation',
  (_, field, read) => {
    const { status: code, message } = errorOf(read);
    expect(fieldOfOperation({ code, message })).toBe(field);
  },
);

test.each([
  [3, 'the operation cannot be written'],
  [3, 'unknown_field must be other'],
  [3, 'user_id'],
  [14, 'user_id must be other'],
])('reads no field of an operation that fails with %i and "%s"', (code, message) => {
  expect(fieldOfOperation({ code, message })).toBeUndefined();
});

function errorOf(read: () => unknown): ImstateError {
  try {
    read();
  } catch (error) {
    if (error instanceof ImstateError) return error;
    throw error;
  }
  throw new Error('no rule was broken');
}

test.each([
  ['1.2.3.4', '1.2.3.4'],
  ['::ffff:1.2.3.4', '1.2.3.4'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
])('the address %s of a client is stored as %s', (clientIp, canonical) => {
  expect(login({ clientIp })).toMatchObject({ request: { details: { clientIp: canonical } } });
});

test('a label counts its characters', () => {
  const label = '\u{1F600}'.repeat(LIMITS.label.max);
  expect(login({ label })).toMatchObject({ request: { details: { label } } });
});
