import type { IncomingMessage } from 'node:http';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { LIMITS } from '../../presence/limits.js';

/**
 * The body of a request, as text. Rejects with INVALID_ARGUMENT if it is too long. It is read to its end, so
 * that the response arrives.
 */
export function readBody(request: IncomingMessage): Promise<string> {
  const { max } = LIMITS.httpBody;
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= max) chunks.push(chunk);
    });
    request.once('error', reject);
    request.once('end', () => {
      if (bytes <= max) resolve(Buffer.concat(chunks).toString());
      else reject(new ImstateError('INVALID_ARGUMENT', `the body must be at most ${max} bytes`));
    });
  });
}
