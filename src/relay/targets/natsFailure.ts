import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { describeConnectionFailure } from './connecting.js';

const {
  AuthorizationError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  UserAuthenticationExpiredError,
} = errors;

/** What a message about a failure mentions. */
export interface NatsContext {
  prefix: string;
  /** Whether the server says that it has JetStream. */
  hasJetStream: boolean;
  timeoutMs: number;
}

/** Whether the server refuses who connects. A server that is too slow to authenticate does not. */
export function isRejectedCredentials(error: unknown): boolean {
  if (error instanceof UserAuthenticationExpiredError) return true;
  return error instanceof AuthorizationError && !/timeout/i.test(error.message);
}

/** What failed, and what to do. Never contains a secret. */
export function describeNatsFailure(error: unknown, context: NatsContext): string {
  // Of the TLS files or the credentials file.
  if (error instanceof ImstateError) return error.message;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (isRejectedCredentials(error))
    return `the server rejects the credentials (${messageOf(error)}): correct the user and password, the token or the credentials file`;
  if (cause instanceof RequestError && cause.isNoResponders()) return describeMissingStream(context);
  if (cause instanceof PermissionViolationError)
    return `${cause.message}: permit this user to publish to ${context.prefix}.> and to subscribe to _INBOX.>`;
  if (error instanceof TimeoutError)
    return `no response within ${context.timeoutMs} ms: see that the server runs, and that a stream matches ${context.prefix}.>`;
  if (error instanceof JetStreamApiError)
    return `JetStream rejected an event (${error.message}): see the limits and the state of the stream`;
  const reason = messageOf(error);
  if (/max_payload/.test(reason))
    return 'an event is larger than max_payload: raise max_payload of the server';
  if (/does not support 'tls'/.test(reason))
    return 'the server has no TLS: use nats:// without TLS files, or set up TLS in the server';
  return describeConnectionFailure(error, { secure: 'tls', plain: 'nats' });
}

/** Without a stream nobody answers, exactly as without JetStream. */
function describeMissingStream({ prefix, hasJetStream }: NatsContext): string {
  const create = `create one with: nats stream add imstate --subjects '${prefix}.>'`;
  if (hasJetStream) return `no stream matches the subject ${prefix}.>: ${create}`;
  return `the server has no JetStream: start nats-server with -js, then ${create}`;
}
