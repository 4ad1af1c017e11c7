import { type Etcd3, GRPCDeadlineExceededError, isRecoverableError } from 'etcd3';
import { hedge } from '../../shared/hedge.js';
import { type EtcdAccess, makeNodeClient } from './client.js';

/** How long a node may go without an answer until the next one is asked beside it. */
const HEDGE_DELAY_MS = 250;
/** How long a node that failed or was slow is asked only after the others. */
const FAULT_MEMORY_MS = 10_000;

/** One attempt at one node. The signal aborts once another node has answered. */
export type NodeCall<T> = (client: Etcd3, signal: AbortSignal) => Promise<T>;

/** A node, with a client that calls no other. */
interface EtcdNode {
  readonly client: Etcd3;
  /** When it last failed, or let {@link HEDGE_DELAY_MS} pass without an answer. */
  failedAt: number;
}

/**
 * The nodes of an etcd cluster. A call goes to one of them, and to the next one when that fails or is slow: a node that is frozen
 * or cut off keeps its connection, and only its silence shows it. So each call must be one that may be carried out twice. etcd3
 * itself gives all attempts one deadline, which the first node may use up.
 */
export class EtcdNodes {
  readonly #nodes: readonly EtcdNode[];

  /** Nothing is dialled. Throws if the access cannot be used. */
  constructor(access: EtcdAccess) {
    this.#nodes = access.hosts.map((host) => ({
      client: makeNodeClient(host, access),
      failedAt: Number.NEGATIVE_INFINITY,
    }));
  }

  /** Carries a call out; rejects with the error of etcd3 if no node does. Each attempt has a deadline of its own. */
  call<T>(use: NodeCall<T>): Promise<T> {
    const attempts = this.#inOrder().map((node) => (signal: AbortSignal) => attempt(node, use, signal));
    return hedge(attempts, { delayMs: HEDGE_DELAY_MS, isFinal });
  }

  close(): void {
    for (const { client } of this.#nodes) client.close();
  }

  /** At random, so that clients spread over the nodes; those with a recent fault come last. */
  #inOrder(): EtcdNode[] {
    const since = performance.now() - FAULT_MEMORY_MS;
    return this.#nodes
      .map((node) => ({ node, rank: Math.random() + (node.failedAt > since ? 1 : 0) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ node }) => node);
  }
}

/** Repeats a failed call once: a connection that was lost unnoticed is found out only by the call that fails. */
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

/** Whether etcd itself refused: the other nodes would as well. */
function isFinal(error: unknown): boolean {
  return !(error instanceof Error && isRecoverableError(error));
}
