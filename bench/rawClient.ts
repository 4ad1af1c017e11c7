// A gRPC client for encoded messages: encoding and decoding would cost the load generator more than sending.
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';

const asIs = (bytes: Buffer) => bytes;
/** Each client has a connection of its own. */
const OWN_CONNECTION = { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1 };

/** The load on a stream. */
export interface StreamLoad {
  /** Encoded messages. Each has one response. */
  messages: Iterable<Buffer>;
  streams?: number;
  /** Messages in flight per stream. */
  inFlight?: number;
  /** Receives each response. */
  onResponse?(bytes: Buffer): void;
}

/** A connection to one server. */
export class RawClient {
  readonly #client: Client;

  constructor(addr: string) {
    this.#client = new Client(addr, credentials.createInsecure(), OWN_CONNECTION);
  }

  /** A unary call; `path` is /package.Service/Method. */
  call(path: string, request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, asIs, asIs, request, (error, response) =>
        error ? reject(error) : resolve(response as Buffer),
      );
    });
  }

  /** A bidirectional stream. */
  stream(path: string): ClientDuplexStream<Buffer, Buffer> {
    return this.#client.makeBidiStreamRequest(path, asIs, asIs);
  }

  /** Sends all messages and resolves when all responses have arrived. Rejects if a stream fails. */
  async send(path: string, load: StreamLoad): Promise<void> {
    const { messages, streams = 2, inFlight = 8, onResponse } = load;
    const source = messages[Symbol.iterator]();
    const one = () =>
      new Promise<void>((resolve, reject) => {
        const stream = this.stream(path);
        let open = 0;
        const next = () => {
          const { done, value } = source.next();
          if (done) return;
          stream.write(value);
          open += 1;
        };
        stream.on('data', (bytes: Buffer) => {
          open -= 1;
          onResponse?.(bytes);
          next();
          if (open === 0) stream.end();
        });
        stream.on('error', reject);
        stream.on('end', resolve);
        for (let i = 0; i < inFlight; i++) next();
        if (open === 0) stream.end();
      });
    await Promise.all(Array.from({ length: streams }, one));
  }

  /** Closes the connection. */
  close(): void {
    this.#client.close();
  }
}
