import type { IncomingMessage } from 'node:http';
import { ImstateError } from '../../errors.js';
import { LIMITS } from '../limits.js';

/** The body of a request, as text; rejects with INVALID_ARGUMENT if it is too long. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const { most } = LIMITS.httpBody;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > most) throw new ImstateError('INVALID_ARGUMENT', `the body must be at most ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
