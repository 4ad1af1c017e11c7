import { type Etcd3, GRPCDeadlineExceededError, isRecoverableError } from 'etcd3';
import { hedge } from '../../shared/hedge.js';
import { type EtcdAccess, makeNodeClient } from './client.js';

/** How long a node may go without a response before the next one is called too. */
const HEDGE_DELAY_MS = 250;
/** How long a node that failed or was slow is called only after the others. */
const FAULT_MEMORY_MS = 10_000;

/** One attempt at one node. The signal aborts when another node has responded. */
export type NodeCall<T> = (client: Etcd3, signal: AbortSignal) => Promise<T>;

/** A node, with a client for this node only. */
interface EtcdNode {
  readonly client: Etcd3;
  /** When it last failed, or did not respond within {@link HEDGE_DELAY_MS}. */
  failedAt: number;
}

/**
 * The nodes of an etcd cluster. A call goes to one of them, and also to the next one if that fails or is
 * slow: the connection of a node that is frozen or cut off stays open. So each call must be safe to execute
 * twice. etcd3 itself has one deadline for all attempts, which the first node may use up.
 */
export class EtcdNodes {
  readonly #nodes: readonly EtcdNode[];

  /** Connects at the first call. Throws if the options cannot be used. */
  constructor(access: EtcdAccess) {
    this.#nodes = access.hosts.map((host) => ({
      client: makeNodeClient(host, access),
      failedAt: Number.NEGATIVE_INFINITY,
    }));
  }

  /** Executes a call; rejects with an error of etcd3 if no node does. Each attempt has its own deadline. */
  call<T>(use: NodeCall<T>): Promise<T> {
    const attempts = this.#inOrder().map((node) => (signal: AbortSignal) => attempt(node, use, signal));
    return hedge(attempts, { delayMs: HEDGE_DELAY_MS, isFinal });
  }

  close(): void {
    for (const { client } of this.#nodes) client.close();
  }

  /** In random order, so that clients are balanced over the nodes; nodes with a recent failure come last. */
  #inOrder(): EtcdNode[] {
    const since = performance.now() - FAULT_MEMORY_MS;
    return this.#nodes
      .map((node) => ({ node, rank: Math.random() + (node.failedAt > since ? 1 : 0) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ node }) => node);
  }
}

/** Retries a failed call once: only a call reveals that a connection was lost. */
async function attempt<T>(node: EtcdNode, use: NodeCall<T>, signal: AbortSignal): Promise<T> {
  const markFailed = () => {
    node.failedAt = performance.now();
  };
  const slow = setTimeout(markFailed, HEDGE_DELAY_MS).unref();
  try {
    return await use(node.client, signal).catch((error) => {
      if (isFinal(error) || error instanceof GRPCDeadlineExceededError || signal.aborted) throw error;
      return use(node.client, signal);
    });
  } catch (error) {
    if (!isFinal(error)) markFailed();
    throw error;
  } finally {
    clearTimeout(slow);
  }
}

/** Whether etcd itself rejected the call: the other nodes would as well. */
function isFinal(error: unknown): boolean {
  return !(error instanceof Error && isRecoverableError(error));
}
