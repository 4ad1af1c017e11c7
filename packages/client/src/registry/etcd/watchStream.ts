import type { ClientDuplexStream } from '@grpc/grpc-js';
import { castGrpcError, type Etcd3, EtcdError, type IWatchRequest, type IWatchResponse, Range } from 'etcd3';
import { ETCD_CALL_MS } from './deadline.js';
import type { EtcdNodes } from './nodes.js';

/** A stream of etcd's Watch whose watch stands; paused until it is resumed. It has an error when it breaks. */
export type EtcdWatchStream = ClientDuplexStream<IWatchRequest, IWatchResponse>;

/**
 * Opens a watch of the keys with this prefix from this revision on. Not by the watcher of etcd3: it keeps one stream for all
 * watches of a client, and stays on it when its node does not answer.
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

/** Its type in etcd3 leaves out what pauses it. */
async function streamOf({ watchClient }: Etcd3): Promise<EtcdWatchStream> {
  const stream = (await watchClient.watch()) as unknown as EtcdWatchStream;
  // Whoever cares listens as well; an error that nobody hears would end the process.
  return stream.on('error', () => {});
}

/** Resolves when etcd says that the watch stands; rejects if it refuses, or says nothing in time. */
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

/** The error of a watch that etcd has ended. */
export function canceled({ cancel_reason: reason, compact_revision: compacted }: IWatchResponse): EtcdError {
  const isCompacted = compacted !== '0' && compacted !== '';
  return new EtcdError(
    reason || (isCompacted ? `its revision was compacted, up to ${compacted}` : 'etcd canceled it'),
  );
}
