import { Flags } from '@oclif/core';
import type { TargetOptions } from '../../relay/openTarget.js';
import { durationDefault, durationFlag, textFlag } from './flagTypes.js';

const TIMEOUT_MS = 30_000;
const HOUR_MS = 3_600_000;

/** Flags of the commands that deliver events: the target. */
export const targetFlags = {
  to: textFlag({
    description: 'https://HOST/PATH, nats://HOST:PORT/SUBJECT or redis://HOST:PORT/STREAM',
    env: 'IMSTATE_TO',
    required: true,
    helpValue: 'URL',
  }),
  'secret-file': textFlag({
    description: 'secrets that sign the requests of a webhook, whsec_BASE64, newest first',
    env: 'IMSTATE_SECRET_FILE',
    helpValue: 'FILE',
  }),
  'allow-private': Flags.boolean({
    description: 'deliver to http:// and to private addresses',
    env: 'IMSTATE_ALLOW_PRIVATE',
  }),
  'max-per-second': Flags.integer({
    description: 'events a second of a webhook [default: no limit]',
    env: 'IMSTATE_MAX_PER_SECOND',
    min: 1,
    helpValue: 'N',
  }),
  'max-length': Flags.integer({
    description: 'events that a Redis stream keeps, about [default: 1000000]',
    env: 'IMSTATE_MAX_LENGTH',
    min: 1,
    helpValue: 'N',
  }),
  'creds-file': textFlag({
    description: 'credentials of NATS',
    env: 'IMSTATE_CREDS_FILE',
    helpValue: 'FILE',
  }),
  'to-tls-ca': textFlag({
    description: 'CAs of the target (PEM) [default: those of Node.js]',
    env: 'IMSTATE_TO_TLS_CA',
    helpValue: 'FILE',
  }),
  'to-tls-cert': textFlag({
    description: 'client certificate for the target (PEM)',
    env: 'IMSTATE_TO_TLS_CERT',
    helpValue: 'FILE',
  }),
  'to-tls-key': textFlag({
    description: 'private key of that certificate (PEM)',
    env: 'IMSTATE_TO_TLS_KEY',
    helpValue: 'FILE',
  }),
  'to-timeout': durationFlag({
    description: 'how long the target may take to acknowledge',
    env: 'IMSTATE_TO_TIMEOUT',
    ...durationDefault(TIMEOUT_MS),
    min: 1,
    max: HOUR_MS,
    helpValue: 'TIME',
  }),
};

/** The flags, parsed. */
interface ParsedTargetFlags {
  'secret-file': string | undefined;
  'allow-private': boolean;
  'max-per-second': number | undefined;
  'max-length': number | undefined;
  'creds-file': string | undefined;
  'to-tls-ca': string | undefined;
  'to-tls-cert': string | undefined;
  'to-tls-key': string | undefined;
  'to-timeout': number;
}

/** How to deliver, by the flags. */
export function targetOptions(flags: ParsedTargetFlags, onWarning: (message: string) => void): TargetOptions {
  const { 'to-tls-ca': ca, 'to-tls-cert': cert, 'to-tls-key': key } = flags;
  return {
    secretFile: flags['secret-file'],
    allowPrivate: flags['allow-private'],
    maxPerSecond: flags['max-per-second'],
    maxLength: flags['max-length'],
    credsFile: flags['creds-file'],
    tls: ca || cert || key ? { ca, cert, key } : undefined,
    timeoutMs: flags['to-timeout'],
    onWarning,
  };
}
