import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/** Follows the HTTP/2 sessions of a gRPC server. */
export interface SessionListener {
  onSession?(session: ServerHttp2Session): void;
  /** The headers of a stream have arrived. Nothing has handled them yet. */
  onStream?(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void;
  /** The peer violated HTTP/2, and Node.js closes the session. */
  onSessionError?(error: Error, session: ServerHttp2Session): void;
}

/**
 * Patch of grpc-js: follows the HTTP/2 sessions of all ports and connection injectors of a server, which has
 * no public access to them. The connection age of grpc-js cuts streams that never end, and nothing reports
 * headers that HTTP/2 rejects.
 *
 * - Upstream: https://github.com/grpc/grpc-node/pull/2272 added the connection age; no issue asks for access
 *   to the sessions.
 * - Tested with grpc-js 1.14.7.
 * - Relies on: the private Map `http2Servers` of a Server, whose keys are servers of `node:http2`.
 * - Fallback: nothing follows the sessions; connections do not age, and their headers are not checked.
 *
 * Returns whether the sessions are followed.
 */
export function followSessions(server: Server, listeners: readonly SessionListener[]): boolean {
  const servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(servers instanceof Map) || servers.size === 0) return false;
  const http2Servers = [...servers.keys()];
  if (!http2Servers.every(isServer)) return false;
  for (const http2Server of http2Servers) for (const listener of listeners) follow(http2Server, listener);
  return true;
}

function isServer(server: unknown): server is Http2Server {
  return typeof (server as Partial<Http2Server> | undefined)?.prependListener === 'function';
}

function follow(server: Http2Server, listener: SessionListener): void {
  if (listener.onSession) server.prependListener('session', (session) => listener.onSession?.(session));
  if (listener.onStream)
    server.prependListener('stream', (stream, headers) =>
      listener.onStream?.(stream as ServerHttp2Stream, headers),
    );
  if (listener.onSessionError)
    server.on('sessionError', (error, session) => listener.onSessionError?.(error, session));
}
