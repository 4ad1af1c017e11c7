import { ACTS, type ActRequest } from '../audit/acts.js';
import type { AuditTrail } from '../audit/auditTrail.js';
import { permitOf } from '../auth/guardedCall.js';
import { actorOf } from '../auth/identity.js';
import type { UnaryHandler } from './unaryMethod.js';

/** The same handler. If a call is an administrative act, it is recorded before the response. */
export function auditedHandler<Request, Response>(
  audit: AuditTrail,
  handle: UnaryHandler<Request, Response>,
): UnaryHandler<Request, Response> {
  return (request, call) => {
    const act = ACTS[call.getPath()];
    if (act === undefined) return handle(request, call);
    const { metadata } = call;
    const by = {
      ...actorOf(permitOf(metadata)?.caller, call.getAuthContext().sslPeerCertificate),
      source: call.getPeer(),
      metadata,
      via: 'GRPC' as const,
    };
    return audit.run(
      act,
      by,
      () => request as ActRequest,
      () => handle(request, call),
    );
  };
}
