import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import type { RelayTarget } from './target.js';

/** How to deliver. Undefined for the default of the target. */
export interface TargetOptions {
  /** The file of the secrets that sign requests of a webhook. */
  secretFile: string | undefined;
  /** Deliver to webhooks over plain HTTP and at private addresses. */
  allowPrivate: boolean;
  /** Events a second, of a webhook. */
  maxPerSecond: number | undefined;
  /** How many events a Redis stream keeps, approximately. */
  maxLength: number | undefined;
  /** A credentials file of NATS. */
  credsFile: string | undefined;
  tls: TlsFiles | undefined;
  /** How long the target may take to acknowledge. Milliseconds. */
  timeoutMs: number;
  onWarning(message: string): void;
}

/** What a target ignores, and the options that only it has. */
const ONLY: Readonly<Record<string, { schemes: readonly string[]; flag: string }>> = {
  secretFile: { schemes: ['https:', 'http:'], flag: '--secret-file' },
  maxPerSecond: { schemes: ['https:', 'http:'], flag: '--max-per-second' },
  maxLength: { schemes: ['redis:', 'rediss:'], flag: '--max-length' },
  credsFile: { schemes: ['nats:', 'tls:'], flag: '--creds-file' },
};

/**
 * Opens the target of a URL: a webhook, NATS JetStream or a Redis stream. Throws INVALID_ARGUMENT for a URL that is
 * none, and WRONG_USAGE for an option of another target.
 */
export async function openTarget(to: string, options: TargetOptions): Promise<RelayTarget> {
  const url = URL.canParse(to) ? new URL(to) : undefined;
  if (url === undefined) throw unknownTarget();
  for (const [name, { schemes, flag }] of Object.entries(ONLY)) {
    if (options[name as keyof TargetOptions] === undefined || schemes.includes(url.protocol)) continue;
    throw new ImstateError('WRONG_USAGE', `${flag} is not for a target of ${url.protocol}//: leave it out`);
  }
  switch (url.protocol) {
    case 'https:':
    case 'http:':
      return (await import('./targets/webhook.js')).openWebhook(url, options);
    case 'nats:':
    case 'tls:':
      return (await import('./targets/nats.js')).openNats(url, options);
    case 'redis:':
    case 'rediss:':
      return (await import('./targets/redisStream.js')).openRedisStream(url, options);
    default:
      throw unknownTarget();
  }
}

function unknownTarget(): ImstateError {
  const message = 'must be https://HOST/PATH, nats://HOST:PORT/SUBJECT or redis://HOST:PORT/STREAM';
  return new ImstateError('INVALID_ARGUMENT', `--to ${message}`, { field: 'to' });
}
