import type { Redis } from 'ioredis';

/** A node in the answer to CLUSTER SLOTS; the metadata are names and values in turn. */
type SlotNode = [endpoint: string | null, port: number, id: string, metadata?: string[]];
type Slots = [first: number, last: number, ...nodes: SlotNode[]][];
type OnSlots = (error: Error | null | undefined, slots?: Slots) => void;
type ClusterCommand = (subcommand: string, done: OnSlots) => Promise<unknown>;

/**
 * Patch of ioredis: fills in what a node of a cluster leaves out of CLUSTER SLOTS. With
 * `cluster-preferred-endpoint-type unknown-endpoint` it names no node, and with `hostname` none that
 * announces no host name. ioredis takes the cluster for one without nodes. It also passes on why the node
 * cannot be asked: ioredis asks on a duplicate of the connection and ignores the errors of that.
 *
 * - Upstream: https://github.com/redis/ioredis/pull/1025 made it skip such nodes; no issue asks for the
 *   endpoints.
 * - Tested with ioredis 6.0.0.
 * - Relies on: a Cluster asks by `node.duplicate(…).cluster('SLOTS', callback)`.
 * - Fallback: ioredis asks by itself; a cluster that names no endpoints cannot be used.
 *
 * Returns whether the patch is applied.
 */
export function completeEndpoints(node: Redis): boolean {
  if (typeof node.duplicate !== 'function' || typeof node.cluster !== 'function') return false;
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
  return true;
}

/**
 * With an endpoint for each node: the one that it names, otherwise its address or the host that was asked.
 */
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
