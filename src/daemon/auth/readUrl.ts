import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

/** How long the server may take to respond. Milliseconds. */
const TIMEOUT_MS = 5_000;
/** Far more than the keys of any issuer. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads a URL; rejects after a timeout. Without AbortSignal.timeout(), which Node.js 20 may collect as
 * garbage.
 */
export async function readUrl(url: URL): Promise<string> {
  const over = new AbortController();
  const limit = setTimeout(() => over.abort(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  try {
    const response = await get(url, over.signal);
    if (response.statusCode === 200) return await readBody(response);
    response.destroy();
    throw new Error(`HTTP status ${response.statusCode}`);
  } finally {
    clearTimeout(limit);
  }
}

/** Follows no redirect: it could lead to keys that anybody controls. */
async function get(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const { proxyAgentFor } = await import('../httpProxy.js');
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  const headers = { accept: 'application/jwk-set+json, application/json' };
  const asked = request(url, { agent: proxyAgentFor(url), headers, signal });
  // An abort may follow the response.
  asked.on('error', () => {}).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error('it is larger than 1 MiB');
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
