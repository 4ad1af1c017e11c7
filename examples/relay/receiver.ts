// Receives the events of a relay: npx tsx examples/relay/receiver.ts 8000 secret
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';

/** A request has 1 MiB, unless one event is larger. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** How many events are remembered to recognise those that arrive again. */
const MAX_SEEN = 100_000;

interface PresenceEvent {
  id: string;
  source: string;
  type: string;
  subject?: string;
  data: unknown;
}

const [port = '8000', secretFile = 'secret'] = process.argv.slice(2);
const [secret = ''] = (await readFile(secretFile, 'utf8')).split('\n');
const webhook = new Webhook(secret.trim());
const seen = new Set<string>();

const server = createServer(async (request, response) => {
  const status = await receive(request).catch((error: unknown) => {
    console.error(error);
    return 500;
  });
  response.writeHead(status).end();
});
server.listen(Number(port), '127.0.0.1', () => console.error(`listening on 127.0.0.1:${port}`));

/** Processes the events of a request; returns the status of the response. */
async function receive(request: IncomingMessage): Promise<number> {
  const { method, headers } = request;
  if (method !== 'POST') return 405;
  if (!(Number(headers['content-length']) <= MAX_BODY_BYTES)) return 413;
  const body = await text(request);
  let events: PresenceEvent[];
  try {
    // Checks the signature and the timestamp, and parses the body.
    events = webhook.verify(body, headers as Record<string, string>) as PresenceEvent[];
  } catch (error) {
    return error instanceof WebhookVerificationError ? 401 : 400;
  }
  for (const event of events) processOnce(event);
  return 204;
}

function processOnce(event: PresenceEvent): void {
  const key = `${event.source} ${event.id}`;
  if (seen.has(key)) return;
  console.log(event.type, event.subject ?? '-', event.id);
  // Once it is processed: after a failure it has to arrive again.
  seen.add(key);
  for (const oldest of seen) {
    if (seen.size <= MAX_SEEN) break;
    seen.delete(oldest);
  }
}
