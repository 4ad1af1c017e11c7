import type { IncomingMessage } from 'node:http';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { ACTS, type ActRequest } from '../audit/acts.js';
import type { AuditTrail } from '../audit/auditTrail.js';
import { actorOf } from '../auth/identity.js';
import { relatedMetadata } from './relatedMetadata.js';
import type { Exchange, Route } from './routes.js';

/** Handles a request. If it is an administrative act, it is recorded before the response. */
export async function handleAudited(
  audit: AuditTrail,
  route: Route,
  exchange: Exchange,
): Promise<object | undefined> {
  const act = ACTS[`${route.method} ${route.path}`];
  if (act === undefined) return (await route.handle(exchange)) || undefined;
  const { request, caller, peer } = exchange;
  const call = {
    ...actorOf(caller, certificateOf(request)),
    source: peer,
    metadata: relatedMetadata(request),
    via: 'HTTP' as const,
  };
  return audit.run(
    act,
    call,
    () => requestOf(exchange),
    async () => (await route.handle(exchange)) || undefined,
  );
}

/** The client certificate that TLS has verified. */
export function certificateOf({ socket }: IncomingMessage): PeerCertificate | undefined {
  const secure = socket as TLSSocket;
  return secure.authorized ? secure.getPeerCertificate() : undefined;
}

/** The parameters of the query, the keys of a body that is a JSON object, and the names in the path. */
async function requestOf({ segments, query, request, body }: Exchange): Promise<ActRequest> {
  const keys = request.method === 'GET' ? {} : parse(await body());
  return { ...Object.fromEntries(query), ...keys, ...segments };
}

function parse(text: string): object {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
