import type { ClientDuplexStream } from '@grpc/grpc-js';
import { castGrpcError, type Etcd3, EtcdError, type IWatchRequest, type IWatchResponse, Range } from 'etcd3';
import { ETCD_CALL_MS } from './deadline.js';
import type { EtcdNodes } from './nodes.js';

/**
 * A stream of etcd's Watch whose watch is created. It is paused until it is resumed, and emits an error if it
 * breaks.
 */
export type EtcdWatchStream = ClientDuplexStream<IWatchRequest, IWatchResponse>;

/**
 * Opens a watch of the keys with this prefix, starting at this revision. It does not use the watcher of
 * etcd3, which has one stream for all watches of a client, and stays on it when its node does not respond.
 */
export function openWatch(nodes: EtcdNodes, prefix: string, revision: bigint): Promise<EtcdWatchStream> {
  return nodes.call(async (client, signal) => {
    const stream = await streamOf(client);
    const cancel = () => stream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const { start, end } = Range.prefix(prefix);
      stream.write({ create_request: { key: start, range_end: end, start_revision: String(revision) } });
      await created(stream);
      if (signal.aborted) throw new Error('another node was faster');
      return stream;
    } catch (error) {
      stream.cancel();
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  });
}

/** The type of etcd3 lacks the methods that pause the stream. */
async function streamOf({ watchClient }: Etcd3): Promise<EtcdWatchStream> {
  const stream = (await watchClient.watch()) as unknown as EtcdWatchStream;
  // An error without a listener would end the process.
  return stream.on('error', () => {});
}

/** Resolves when etcd has created the watch; rejects if it cancels the watch or does not respond in time. */
async function created(stream: EtcdWatchStream): Promise<void> {
  let limit: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const silent = Object.assign(new Error('Deadline exceeded'), { code: 4 });
      limit = setTimeout(() => reject(castGrpcError(silent)), ETCD_CALL_MS);
      stream.once('error', (error) => reject(castGrpcError(error)));
      stream.once('end', () => reject(new EtcdError('the stream ended')));
      stream.once('data', (response: IWatchResponse) => {
        stream.pause();
        if (response.canceled) reject(canceled(response));
        else resolve();
      });
    });
  } finally {
    clearTimeout(limit);
  }
}

/** The error of a watch that etcd has canceled. */
export function canceled({ cancel_reason: reason, compact_revision: compacted }: IWatchResponse): EtcdError {
  const isCompacted = compacted !== '0' && compacted !== '';
  return new EtcdError(
    reason || (isCompacted ? `its revision was compacted, up to ${compacted}` : 'etcd canceled it'),
  );
}
