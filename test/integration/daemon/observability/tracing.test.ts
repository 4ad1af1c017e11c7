import { createServer } from 'node:http';
import { Metadata } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { grpcClients } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { freePort } from '../../../support/servers.ts';

interface SpanJson {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  attributes: { key: string; value: Record<string, unknown> }[];
  status: { code?: number };
}

/** An OTLP/HTTP collector that keeps the received spans. */
async function startCollector() {
  const spans: SpanJson[] = [];
  const paths = new Set<string>();
  const server = createServer(async (request, response) => {
    paths.add(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    for (const { scopeSpans } of JSON.parse(Buffer.concat(chunks).toString()).resourceSpans)
      for (const scope of scopeSpans) spans.push(...scope.spans);
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  disposables.push(() => server.close());
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, spans, paths };
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

test("continues the caller's trace, with a child span for each store operation", async () => {
  const collector = await startCollector();
  const daemon = await startDaemon({ otlpEndpoint: collector.url });
  const metadata = new Metadata();
  metadata.set('traceparent', `00-${TRACE}-${PARENT}-01`);
  const { presence, close } = grpcClients(daemon.addr);
  disposables.push(close);
  const login = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };
  await new Promise((resolve, reject) =>
    presence.Online(login, metadata, (error: unknown) => (error ? reject(error) : resolve(undefined))),
  );
  await daemon.stop();
  const call = collector.spans.find(({ name }) => name === 'imstate.v1.PresenceService/Online');
  const store = collector.spans.find(({ name }) => name === 'store online');
  expect(call).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, kind: 2 });
  expect(store).toMatchObject({ traceId: TRACE, parentSpanId: call?.spanId, kind: 3 });
  expect(call?.attributes).toContainEqual({
    key: 'network.peer.address',
    value: { stringValue: '127.0.0.1' },
  });
  expect(call?.attributes).toContainEqual({ key: 'rpc.grpc.status_code', value: { intValue: 0 } });
  expect(collector.paths).toEqual(new Set(['POST /v1/traces']));
  expect(JSON.stringify(collector.spans)).not.toContain('alice');
});

test('starts a trace for each call without one, and groups operations under their stream', async () => {
  const collector = await startCollector();
  const daemon = await startDaemon({ otlpEndpoint: collector.url });
  const { v1, close } = grpcClients(daemon.addr);
  disposables.push(close);
  await v1.getUser({ userId: 'alice' });
  await v1.getUser({ userId: 'bob' });
  const apply = v1.apply();
  for (let i = 0; i < 3; i++) await apply.send({ operations: [{ getUser: { userId: 'alice' } }] });
  apply.end();
  await apply.ended;
  await daemon.stop();
  const named = (name: string) => collector.spans.filter((span) => span.name === name);
  const calls = named('imstate.v1.PresenceService/GetUser');
  expect(new Set(calls.map(({ traceId }) => traceId)).size).toBe(2);
  const [stream] = named('imstate.v1.PresenceService/Apply');
  const parents = named('store apply').map(({ parentSpanId }) => parentSpanId);
  expect(parents).toEqual([stream?.spanId, stream?.spanId, stream?.spanId]);
});

test('serves and stops without a collector, and logs its absence once', async () => {
  const addr = `127.0.0.1:${await freePort()}`;
  const daemon = await startDaemon({ otlpEndpoint: `http://me:secret@${addr}` });
  const { v1, close } = grpcClients(daemon.addr);
  disposables.push(close);
  await v1.getUser({ userId: 'alice' });
  await daemon.stop();
  const warnings = daemon.logged.map((line) => JSON.parse(line)).filter(({ level }) => level > 30);
  expect(warnings).toHaveLength(1);
  // The connection is refused immediately, or the retries exceed the stop deadline.
  expect(warnings[0]).toMatchObject({
    msg: 'traces are lost: the collector does not accept them',
    url: `http://${addr}/v1/traces`,
    reason: expect.stringMatching(/./),
  });
});
