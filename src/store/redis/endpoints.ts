import type { Cluster, Redis } from 'ioredis';

/** A node in the answer to CLUSTER SLOTS; the metadata are names and values in turn. */
type SlotNode = [endpoint: string | null, port: number, id: string, metadata?: string[]];
type Slots = [first: number, last: number, ...nodes: SlotNode[]][];
type OnSlots = (error: Error | null | undefined, slots?: Slots) => void;
type ClusterCommand = (subcommand: string, done: OnSlots) => Promise<unknown>;

/**
 * Fills in what a node of a cluster leaves out of CLUSTER SLOTS: with `cluster-preferred-endpoint-type unknown-endpoint` no node is
 * named, and with `hostname` none that announces no host name. ioredis would take the cluster for one without nodes.
 *
 * ioredis asks on a duplicate of the connection, of whose errors it keeps none, so the reason of a failure is passed on here as well.
 * Tested with ioredis 6.0.0.
 */
export function completeEndpoints(node: Redis): void {
  const duplicate = node.duplicate.bind(node);
  node.duplicate = (override) => {
    const copy = duplicate(override);
    let reason: Error | undefined;
    copy.on('error', (error: Error) => {
      reason = error;
    });
    const ask = copy.cluster.bind(copy) as unknown as ClusterCommand;
    const cluster: ClusterCommand = (subcommand, done) =>
      ask(subcommand, (error, slots) => {
        if (error) done(reason ?? error);
        else done(null, complete(slots as Slots, node.options.host as string));
      });
    return Object.assign(copy, { cluster });
  };
}

/** With an endpoint for each node: the one that it names, else its address, else the host that was asked. */
function complete(slots: Slots, asked: string): Slots {
  return slots.map(([first, last, ...nodes]) => [
    first,
    last,
    ...nodes.map(([endpoint, port, id, metadata = []]): SlotNode => {
      const known = endpoint === '?' ? metadata[metadata.indexOf('ip') + 1] : endpoint;
      return [known || asked, port, id, metadata];
    }),
  ]);
}

/** Where a redirection leads that names no host: `MOVED 3999 :6381` means the host that was asked. */
export function redirectionMap(cluster: () => Cluster, seed: string) {
  return (endpoint: string): { host: string; port: number } | null => {
    const port = /^\??:(\d+)$/.exec(endpoint)?.[1];
    if (port === undefined) return null;
    return { host: cluster().nodes()[0]?.options.host ?? seed, port: Number(port) };
  };
}
