import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/** What follows the HTTP/2 sessions of a gRPC server. */
export interface SessionListener {
  onSession(session: ServerHttp2Session): void;
  /** The headers of a stream have come, and nothing has dealt with them yet. */
  onStream?(stream: ServerHttp2Stream): void;
  /** The session broke a rule of HTTP/2, and Node.js closes it. */
  onSessionError?(error: Error, session: ServerHttp2Session): void;
}

/**
 * Follows the sessions of all ports and connection injectors that the server has. grpc-js has no public way to them: its own limit of the
 * age of a connection would cut the streams that never end, and nothing would count headers that HTTP/2 refuses. Tested with grpc-js 1.14;
 * returns false if another version keeps its servers in another way.
 */
export function followSessions(server: Server, listeners: readonly SessionListener[]): boolean {
  const servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(servers instanceof Map) || servers.size === 0) return false;
  for (const http2Server of servers.keys() as Iterable<Http2Server>)
    for (const listener of listeners) follow(http2Server, listener);
  return true;
}

function follow(server: Http2Server, listener: SessionListener): void {
  server.prependListener('session', (session) => listener.onSession(session));
  if (listener.onStream)
    server.prependListener('stream', (stream) => listener.onStream?.(stream as ServerHttp2Stream));
  if (listener.onSessionError)
    server.on('sessionError', (error, session) => listener.onSessionError?.(error, session));
}
