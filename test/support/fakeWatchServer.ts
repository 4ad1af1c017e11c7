import { Server, ServerCredentials, type ServerDuplexStream, type status } from '@grpc/grpc-js';
import type { PresenceServiceHandlers } from '../../packages/client/src/generated/imstate/v1/PresenceService.ts';
import type { WatchRequest__Output } from '../../packages/client/src/generated/imstate/v1/WatchRequest.ts';
import type { WatchResponse } from '../../packages/client/src/generated/imstate/v1/WatchResponse.ts';
import { loadProtos } from '../../packages/client/src/wire/protos.ts';
import { until } from './until.ts';

/** A watch as the server sees it. */
export class FakeWatch {
  readonly requests: WatchRequest__Output[] = [];
  isOver = false;
  readonly #stream: ServerDuplexStream<WatchRequest__Output, WatchResponse>;

  constructor(stream: ServerDuplexStream<WatchRequest__Output, WatchResponse>) {
    this.#stream = stream;
    stream.on('data', (request: WatchRequest__Output) => this.requests.push(request));
    for (const event of ['end', 'cancelled', 'error']) {
      stream.on(event, () => {
        this.isOver = true;
      });
    }
  }

  /** Waits for a number of requests, and returns them. */
  async received(count: number): Promise<WatchRequest__Output[]> {
    await until(() => this.requests.length >= count, `${count} requests have come`);
    return this.requests;
  }

  send(...responses: WatchResponse[]): void {
    for (const response of responses) this.#stream.write(response);
  }

  /** Sends responses as fast as the client accepts them; returns a function for their number. */
  flood(count: number, make: (i: number) => WatchResponse): () => number {
    let sent = 0;
    const go = () => {
      while (sent < count && !this.isOver) {
        sent += 1;
        if (!this.#stream.write(make(sent - 1))) {
          this.#stream.once('drain', go);
          return;
        }
      }
    };
    go();
    return () => sent;
  }

  fail(code: status, details: string): void {
    this.#stream.emit('error', { code, details });
  }
}

/** A server that has only Watch, whose responses a test decides. */
export async function startFakeWatchServer() {
  const watches: FakeWatch[] = [];
  const handlers: Pick<PresenceServiceHandlers, 'Watch'> = {
    Watch: (stream) => void watches.push(new FakeWatch(stream)),
  };
  const server = new Server();
  server.addService(loadProtos().types.imstate.v1.PresenceService.service, { ...handlers });
  const port = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), done);
  });
  return {
    addr: `127.0.0.1:${port}`,
    /** Waits for the n-th watch, from 0, and its first request. */
    async watch(n: number): Promise<FakeWatch> {
      await until(() => watches.length > n, `watch ${n} is opened`);
      const watch = watches[n] as FakeWatch;
      await watch.received(1);
      return watch;
    },
    stop: () => server.forceShutdown(),
  };
}
