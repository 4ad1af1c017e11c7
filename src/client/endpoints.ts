import { type ConnectOptions, discover } from './connect.js';
import { CLIENT_DEFAULTS } from './defaults.js';
import { type Probe, probeEndpoint } from './probe.js';

/** A daemon that is registered, and what it answered. */
export interface EndpointHealth extends Probe {
  addr: string;
}

/** Lists the daemons that can be found, and asks each for its health. */
export async function listEndpoints(
  options: ConnectOptions,
): Promise<{ service: string; description: string; endpoints: EndpointHealth[] }> {
  const discovery = await discover(options);
  try {
    const listed = await discovery.list();
    const timeoutMs = options.timeoutMs ?? CLIENT_DEFAULTS.timeoutMs;
    const endpoints = await Promise.all(
      listed.map(async ({ addr }) => ({ addr, ...(await probeEndpoint(addr, timeoutMs)) })),
    );
    return { service: discovery.service, description: discovery.description, endpoints };
  } finally {
    await discovery.close();
  }
}
