import { ClientCommand } from '../cli/ClientCommand.js';
import { type Cell, colors, renderTable } from '../cli/style.js';
import type { EndpointHealth } from '../client/endpoints.js';

export default class Endpoints extends ClientCommand {
  static override summary = 'List the daemons that are registered, with their health and latency.';
  static override description =
    'Each daemon is asked for its health directly. SERVING: it serves. NOT_SERVING: its store does not answer, or it is ' +
    "stopping. UNREACHABLE: nobody answered at that address within the timeout; a daemon that was killed is listed until its lease ends. UNKNOWN: a server without a health service, such as the article's.";
  static override examples = [
    { description: 'Daemons of this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Daemons registered in etcd, as JSON',
      command: '<%= config.bin %> <%= command.id %> --etcd 127.0.0.1:2379 --json',
    },
  ];

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Endpoints);
    const { listEndpoints } = await import('../client/endpoints.js');
    const { service, description, endpoints } = await listEndpoints(this.connectOptions(flags));
    if (endpoints.length === 0) this.log(`no daemon is registered as ${service} (registry: ${description})`);
    else this.log(renderTable([['Address'], ['Health'], ['Latency']], endpoints.map(toRow)));
    return {
      service,
      endpoints: endpoints.map(({ addr, health, latencyMs }) => ({
        addr,
        health,
        latencyMs: latencyMs ?? null,
      })),
    };
  }
}

function toRow({ addr, health, latencyMs }: EndpointHealth): Cell[] {
  const { green, red, yellow } = colors();
  const color = health === 'SERVING' ? green : health === 'UNREACHABLE' ? red : yellow;
  return [[addr], [color(health)], [latencyMs === undefined ? '' : `${latencyMs} ms`]];
}
