import { type ConnectOptions, credentialsFor, discover } from '../connect.js';
import { CLIENT_DEFAULTS } from '../defaults.js';
import { onAbort } from '../shared/onAbort.js';
import type { Discovery } from './discovery.js';
import { type EndpointChange, EndpointFollower, type EndpointHealth } from './endpointFollower.js';
import { type ProbeOptions, probeEndpoint } from './probe.js';

/** The daemons that can be found. */
export interface EndpointList {
  /** The name under which they are registered; undefined for addresses that were given. */
  service: string | undefined;
  /** Where the list is from. */
  description: string;
  endpoints: EndpointHealth[];
}

/** What happens to the daemons: `list` first, then what becomes different. */
export type EndpointEvent = ({ type: 'list' } & EndpointList) | EndpointChange;

/** Lists the daemons that can be found, and asks each for its health. */
export async function listEndpoints(options: ConnectOptions): Promise<EndpointList> {
  const discovery = await discover(options);
  try {
    return await listFrom(discovery, await probeOptions(options));
  } finally {
    await discovery.close();
  }
}

/**
 * Lists the daemons that can be found, then tells which come, go, or change their health, until `signal` is aborted.
 * Rejects if the registry cannot be reached at first. With `everyProbe` each answer is told as `health`, with its latency.
 */
export async function* watchEndpoints(
  options: ConnectOptions,
  signal: AbortSignal,
  everyProbe = false,
): AsyncGenerator<EndpointEvent, void> {
  const discovery = await discover(options);
  try {
    const probe = await probeOptions(options);
    const list = await unlessAborted(listFrom(discovery, { ...probe, signal }), signal);
    if (list === undefined) return;
    yield { type: 'list', ...list };
    const follower = new EndpointFollower(list.endpoints, probe, everyProbe);
    const remove = onAbort(signal, () => follower.stop());
    const watch = discovery.watch(follower);
    try {
      for (let event = await follower.next(); event; event = await follower.next()) yield event;
    } finally {
      remove();
      follower.stop();
      await watch.close();
    }
  } finally {
    await discovery.close();
  }
}

async function listFrom(discovery: Discovery, options: ProbeOptions): Promise<EndpointList> {
  const { service, description } = discovery;
  const [listed, stores] = await Promise.all([discovery.list(), discovery.listStores()]);
  const endpoints = await Promise.all(
    listed.map(async ({ addr }) => ({
      addr,
      storeId: stores.get(addr),
      ...(await probeEndpoint(addr, options)),
    })),
  );
  return { service, description, endpoints };
}

/** Undefined as soon as the signal is aborted: a registry or daemon that does not answer delays no stop. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const remove = onAbort(signal, () => resolve(undefined));
    work.then(resolve, reject).finally(remove);
  });
}

async function probeOptions(options: ConnectOptions): Promise<ProbeOptions> {
  const { timeoutMs = CLIENT_DEFAULTS.timeoutMs } = options;
  return { timeoutMs, credentials: await credentialsFor(options) };
}
