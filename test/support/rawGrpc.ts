import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';

/** What came back to a raw request: headers and trailers in one, and the length of the body. */
export interface RawAnswer {
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** The HTTP/2 error code with which the stream was reset; undefined if it ended well. */
  reset: number | undefined;
  /** True if nothing more was awaited. */
  isGivenUp: boolean;
}

/** How a request is sent. */
export interface RawSending {
  /** True if it is never said that the body is complete. */
  isOpen?: boolean;
  /** When to wait no longer for the end of the answer. Milliseconds; for ever if absent. */
  giveUpMs?: number;
}

/** An HTTP/2 connection for requests that no gRPC client would send. */
export function rawGrpc(addr: string) {
  const session: ClientHttp2Session = connect(`http://${addr}`);
  // Each request that it breaks is told of it.
  session.on('error', () => {});
  return {
    session,
    /** Begins a request and sends no more of it than this: it stays open. */
    begin(path: string, body: Buffer = Buffer.alloc(0)): ClientHttp2Stream {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.on('error', () => {});
      stream.write(body);
      return stream;
    },
    /** Sends one request, its body as a write a chunk; headers override those of a well-formed call, undefined leaves one out. */
    send(
      path: string,
      body: Buffer | Buffer[],
      headers: Record<string, string | undefined> = {},
      { isOpen = false, giveUpMs }: RawSending = {},
    ): Promise<RawAnswer> {
      const all: Record<string, string | undefined> = {
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      };
      const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      return new Promise((resolve) => {
        const answer: RawAnswer = {
          headers: {},
          body: Buffer.alloc(0),
          reset: undefined,
          isGivenUp: false,
        };
        const stream = session.request(sent as OutgoingHttpHeaders);
        stream.on('response', (got) => Object.assign(answer.headers, got));
        stream.on('trailers', (got) => Object.assign(answer.headers, got));
        stream.on('data', (chunk: Buffer) => {
          answer.body = Buffer.concat([answer.body, chunk]);
        });
        stream.on('error', () => {
          answer.reset = stream.rstCode;
        });
        const limit = giveUpMs && setTimeout(giveUp, giveUpMs);
        function giveUp() {
          answer.isGivenUp = true;
          stream.close(constants.NGHTTP2_CANCEL);
        }
        stream.on('close', () => {
          clearTimeout(limit);
          resolve(answer);
        });
        for (const chunk of [body].flat()) stream.write(chunk);
        if (isOpen) stream.on('end', () => stream.end());
        else stream.end();
      });
    },
    close: () => session.close(),
    /** Ends the connection at once, with whatever is under way. */
    destroy: () => session.destroy(),
  };
}

/** A gRPC frame around a message. */
export function frame(message: Buffer, compressed = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
