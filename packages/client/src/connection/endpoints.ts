import { type ConnectOptions, credentialsFor, discover } from '../connect.js';
import { CLIENT_DEFAULTS } from '../defaults.js';
import { onAbort } from '../shared/onAbort.js';
import type { Discovery } from './discovery.js';
import { type EndpointChange, EndpointFollower, type EndpointHealth } from './endpointFollower.js';
import { type ProbeOptions, probeEndpoint } from './probe.js';

/** The endpoints of a discovery. */
export interface EndpointList {
  /** The name under which they are registered; undefined for fixed addresses. */
  service: string | undefined;
  /** The source of the list. */
  description: string;
  endpoints: EndpointHealth[];
}

/** An event of the endpoints: first `list`, then changes. */
export type EndpointEvent = ({ type: 'list' } & EndpointList) | EndpointChange;

/** Lists the endpoints, and checks the health of each. */
export async function listEndpoints(options: ConnectOptions): Promise<EndpointList> {
  const discovery = await discover(options);
  try {
    return await listFrom(discovery, await probeOptions(options));
  } finally {
    await discovery.close();
  }
}

/**
 * Lists the endpoints, then follows which are added or removed or change their health, until the signal
 * aborts. Rejects if the registry cannot be reached at the start. With `everyProbe`, each health check is a
 * `health` event.
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

/** Undefined as soon as the signal aborts: a silent registry or daemon does not delay the stop. */
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
