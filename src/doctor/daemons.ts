import { connect, credentialsFor, discover } from 'imstate-client/internal/connect';
import { type Probe, probeEndpoint } from 'imstate-client/internal/connection/probe';
import type { TlsOptions } from 'imstate-client/internal/connection/tlsCredentials';
import { mixedRegistryWarning } from 'imstate-client/internal/registry/mixedRegistryWarning';
import type { StoreIds } from 'imstate-client/internal/registry/storeIds';
import { type HostPort, isHostPort, parseHostPort } from 'imstate-client/internal/shared/address';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { TLS_NAMES } from 'imstate-client/internal/tls/names';
import type { OnClose } from './check.js';
import { type Check, type Finding, ok, once, type Source, skipped, warning } from './check.js';
import { judgeFeatureLevel } from './featureLevel.js';
import type { DoctorOptions } from './options.js';
import { judgePeers } from './peerCertificate.js';
import { judgeStores } from './stores.js';

/** The entries of the registry. */
interface Listed {
  /** The identities of the stores of the daemons. */
  stores: StoreIds;
  /** Each `host:port`. */
  addrs: string[];
  /** Why other entries cannot be used. */
  faults: string[];
}

type Answer = Probe & { addr: string };

/** The checks of the daemons, found as clients find them. */
export function daemonChecks(options: DoctorOptions, limitMs: number, onClose: OnClose): Check[] {
  const listed = once('the registry does not answer', limitMs, () => list(options, onClose));
  const some: Source = {
    missing: 'no daemon is known',
    ready: async () => {
      if ((await listed.ready()).addrs.length === 0) throw new Error('there are none');
    },
  };
  // Each has less than the whole time: a silent daemon must not hide the others.
  const answers = once('no daemon is known', limitMs, async () =>
    askAll((await listed.ready()).addrs, options),
  );
  return [
    { name: 'registry', run: async () => judgeList(await listed.ready(), options) },
    {
      name: 'registry-stores',
      needs: some,
      run: async () => judgeStores(await listed.ready(), options, onClose),
    },
    { name: 'daemon-health', needs: some, run: async () => judgeAnswers(await answers.ready(), options) },
    {
      name: 'daemon-versions',
      needs: some,
      run: async () => judgeVersions(await answers.ready(), options.version),
    },
    {
      name: 'daemon-levels',
      needs: some,
      run: async () => judgeFeatureLevel(await answers.ready(), options),
    },
    { name: 'daemon-max-devices', needs: some, run: async () => judgeMaxDevices(await answers.ready()) },
    {
      name: 'daemon-certificates',
      needs: some,
      run: async () => judgeCertificates(await answers.ready(), options),
    },
    { name: 'daemon-call', needs: some, run: () => callOne(options) },
  ];
}

async function list(options: DoctorOptions, onClose: OnClose): Promise<Listed> {
  const faults: string[] = [];
  const log = { info: () => {}, warn: (message: string) => void faults.push(message) };
  const discovery = await discover({ ...options, log });
  onClose(() => discovery.close());
  const addrs: string[] = [];
  for (const { addr } of await discovery.list()) {
    if (isHostPort(addr)) addrs.push(addr);
    else faults.push(`nobody can dial ${JSON.stringify(addr)}`);
  }
  return { stores: await discovery.listStores(), addrs, faults };
}

function judgeList({ addrs, faults }: Listed, { service }: DoctorOptions): Finding {
  if (addrs.length === 0 && faults.length === 0)
    return warning(`no daemon is registered as ${service}: start one with imstate serve`);
  const count = `${addrs.length} ${addrs.length === 1 ? 'entry' : 'entries'}`;
  const message = [count, addrs.join(', ')].filter(Boolean).join(': ');
  if (faults.length === 0) return ok(message);
  return warning(`${message}, but ${faults.join('; ')}: remove what no daemon has written`);
}

async function askAll(addrs: string[], options: DoctorOptions): Promise<Answer[]> {
  const credentials = await credentialsFor(options);
  const timeoutMs = options.timeoutMs * 0.9;
  const ask = async (addr: string) => ({
    addr,
    ...(await probeEndpoint(addr, { timeoutMs, credentials })),
  });
  return Promise.all(addrs.map(ask));
}

/** Rejects with the error of a client if no daemon serves. */
function judgeAnswers(answers: Answer[], { endpoints }: DoctorOptions): Finding {
  const bad = answers.filter(({ health }) => health === 'UNREACHABLE' || health === 'NOT_SERVING');
  const mixed = mixedRegistry(answers);
  const good = answers.filter((answer) => !bad.includes(answer));
  const serving = good.map(({ addr, latencyMs }) => `${addr} answers in ${latencyMs} ms`).join(', ');
  const [first] = bad;
  if (first === undefined) return mixed === undefined ? ok(serving) : warning(`${serving}, but ${mixed}`);
  const entry = endpoints ? '' : ' (the entry of a killed daemon expires with its lease)';
  const silent = bad.filter(({ health, fault }) => health === 'UNREACHABLE' && fault === undefined);
  const idle = bad.filter(({ health }) => health === 'NOT_SERVING');
  const faults = [
    ...bad.flatMap(({ fault }) => fault?.message ?? []),
    ...sentence(idle, 'NOT_SERVING: its store is unavailable or it is stopping, check its log'),
    ...sentence(silent, `no answer: start it, or check its log${entry}`),
    ...(mixed === undefined ? [] : [mixed]),
  ].join('; ');
  if (good.length > 0) return warning(`${serving}, but ${faults}`);
  throw new ImstateError(first.fault?.code ?? 'UNAVAILABLE', faults);
}

/** The warning about legacy servers beside imstate daemons; undefined unless both have responded. */
function mixedRegistry(answers: Answer[]): string | undefined {
  const legacy = answers.filter(({ health }) => health === 'UNKNOWN');
  const hasDaemon = answers.some(({ health }) => health === 'SERVING' || health === 'NOT_SERVING');
  return legacy.length > 0 && hasDaemon ? mixedRegistryWarning(legacy.map(({ addr }) => addr)) : undefined;
}

function sentence(answers: Answer[], fault: string): string[] {
  return answers.length === 0 ? [] : [`${answers.map(({ addr }) => addr).join(', ')}: ${fault}`];
}

function judgeVersions(answers: Answer[], mine: string): Finding {
  const reached = answers.filter(({ health }) => health !== 'UNREACHABLE');
  if (reached.length === 0) return skipped('no daemon answers');
  const versions = reached.map(({ addr, version }) => ({ addr, version: version ?? 'unknown' }));
  if (versions.every(({ version }) => version === mine)) return ok(`all are imstate ${mine}, as this is`);
  const each = versions.map(({ addr, version }) => `${addr} is ${version}`).join(', ');
  return warning(
    `${each}, and this is ${mine}: update all to one version; an unknown version is older, or not imstate`,
  );
}

/** Whether a login is rejected must not depend on the daemon that receives it. */
function judgeMaxDevices(answers: Answer[]): Finding {
  const known = answers.filter(({ maxDevices }) => maxDevices !== undefined);
  const [first] = known;
  if (first === undefined) return skipped('no daemon publishes its limit');
  if (known.every(({ maxDevices }) => maxDevices === first.maxDevices))
    return ok(`a user may have ${first.maxDevices} devices online`);
  const each = known.map(({ addr, maxDevices }) => `${addr} has ${maxDevices}`).join(', ');
  return warning(`daemons differ in --max-devices (${each}): set the same on all, and restart them`);
}

async function judgeCertificates(answers: Answer[], options: DoctorOptions): Promise<Finding> {
  if (options.tls === undefined)
    return skipped('daemons are called without TLS, because there is no --tls flag');
  const reached = answers.filter(({ health }) => health !== 'UNREACHABLE');
  if (reached.length === 0) return skipped('no daemon answers by TLS');
  const { serverName, ...files } = options.tls === true ? ({} as TlsOptions) : options.tls;
  const peers = reached.map(({ addr }) => ({ addr, ...(parseHostPort(addr) as HostPort), serverName }));
  return judgePeers('a daemon', peers, { files, names: TLS_NAMES.client, timeoutMs: options.timeoutMs });
}

/** Calls a daemon as a client does, with the token. */
async function callOne(options: DoctorOptions): Promise<Finding> {
  const client = await connect({ ...options, log: undefined });
  try {
    const { usersOnline, devicesOnline } = await client.getStats();
    const [users, devices] = [usersOnline, devicesOnline].map((count) => count.toLocaleString('en'));
    return ok(`GetStats is answered: users online ${users}, devices online ${devices}`);
  } catch (error) {
    if (!(error instanceof ImstateError) || error.code !== 'UNIMPLEMENTED') throw error;
    return skipped('the server serves only pb.UserStatus, which has no call without a user');
  } finally {
    await client.close();
  }
}
