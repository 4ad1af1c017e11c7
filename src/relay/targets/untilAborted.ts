import { onAbort } from 'imstate-client/internal/shared/onAbort';
import { DeliveryError } from '../target.js';

/** Settles like the promise, or rejects with a {@link DeliveryError} once the signal aborts. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let release = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    release = onAbort(signal, () =>
      reject(new DeliveryError('the delivery was aborted', { cause: signal.reason })),
    );
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    release();
  }
}
