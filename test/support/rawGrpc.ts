import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';

/** The response to a raw request: headers and trailers together, and the length of the body. */
export interface RawAnswer {
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** The HTTP/2 error code of a reset; undefined if the stream ended normally. */
  reset: number | undefined;
  /** True if the wait for the response was ended. */
  isGivenUp: boolean;
}

/** Options of a request. */
export interface RawSending {
  /** True to leave the body open. */
  isOpen?: boolean;
  /** How long to wait for the end of the response. Milliseconds; for ever by default. */
  giveUpMs?: number;
}

/** An HTTP/2 connection for requests that no gRPC client sends. */
export function rawGrpc(addr: string) {
  const session: ClientHttp2Session = connect(`http://${addr}`);
  // Each request that it breaks has its own error.
  session.on('error', () => {});
  return {
    session,
    /** Sends only the beginning of a request, which stays open. */
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
    /**
     * Sends one request with the chunks of its body. Headers override those of a valid call; undefined
     * removes one.
     */
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
    /** Ends the connection and the requests in flight at once. */
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
