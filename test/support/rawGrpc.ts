import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';

/** What came back to a raw request: headers and trailers in one, and the length of the body. */
export interface RawAnswer {
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** The HTTP/2 error code with which the stream was reset; undefined if it ended well. */
  reset: number | undefined;
}

/** An HTTP/2 connection for requests that no gRPC client would send. */
export function rawGrpc(addr: string) {
  const session: ClientHttp2Session = connect(`http://${addr}`);
  session.on('error', () => {});
  return {
    session,
    /** Begins a request and sends no more of it than this: it stays open. */
    begin(path: string, body: Buffer = Buffer.alloc(0)): ClientHttp2Stream {
      const stream = session.request({
        ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
      });
      stream.on('error', () => {});
      stream.write(body);
      return stream;
    },
    /** Sends one request; headers override those of a well-formed call, undefined leaves one out. */
    send(path: string, body: Buffer, headers: Record<string, string | undefined> = {}): Promise<RawAnswer> {
      const all: Record<string, string | undefined> = {
        ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
        ...headers,
      };
      const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      return new Promise((resolve) => {
        const answer: RawAnswer = { headers: {}, body: Buffer.alloc(0), reset: undefined };
        const stream = session.request(sent as OutgoingHttpHeaders);
        stream.on('response', (got) => Object.assign(answer.headers, got));
        stream.on('trailers', (got) => Object.assign(answer.headers, got));
        stream.on('data', (chunk: Buffer) => {
          answer.body = Buffer.concat([answer.body, chunk]);
        });
        stream.on('error', () => {
          answer.reset = stream.rstCode;
        });
        stream.on('close', () => resolve(answer));
        stream.end(body);
      });
    },
    close: () => session.close(),
  };
}

/** A gRPC frame around a message. */
export function frame(message: Buffer, compressed = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
