import type { IncomingMessage } from 'node:http';
import { ImstateError } from 'imstate-client/internal/shared/errors';

/**
 * The body of a request, as text. Rejects with INVALID_ARGUMENT if it is too long. It is read to its end, so
 * that the response arrives.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
    });
    request.once('error', reject);
    request.once('end', () => {
      if (bytes <= maxBytes) resolve(Buffer.concat(chunks).toString());
      else reject(new ImstateError('INVALID_ARGUMENT', `the body must be at most ${maxBytes} bytes`));
    });
  });
}
