// A gRPC client that sends and takes bytes: reading and writing messages costs the load more than the sending.
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';

const asIs = (bytes: Buffer) => bytes;
/** Each client has a connection of its own. */
const OWN_CONNECTION = { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1 };

/** How a stream of batches is kept busy. */
export interface StreamLoad {
  /** Serialized messages, each answered by one. */
  messages: Iterable<Buffer>;
  streams?: number;
  /** How many messages of a stream may wait for their answers. */
  inFlight?: number;
  /** Is shown each answer. */
  onAnswer?(bytes: Buffer): void;
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

  /** A stream in both directions. */
  stream(path: string): ClientDuplexStream<Buffer, Buffer> {
    return this.#client.makeBidiStreamRequest(path, asIs, asIs);
  }

  /** Sends all messages and resolves once all are answered; rejects if a stream fails. */
  async send(path: string, load: StreamLoad): Promise<void> {
    const { messages, streams = 2, inFlight = 8, onAnswer } = load;
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
          onAnswer?.(bytes);
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

  /** Ends the connection. */
  close(): void {
    this.#client.close();
  }
}
