import { Flags } from '@oclif/core';
import type { OnlineRequest } from 'imstate-client';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { DurationRule } from './durations.js';
import { durationFlag, textFlag } from './flagTypes.js';

/** The bounds of a session's TTL. */
export const TTL_RULE: DurationRule = { min: 1_000, max: 30 * 86_400_000 };
/** The largest incarnation of a chat server. */
export const MAX_INCARNATION = 2 ** 48 - 1;

/** Flags of a login. All but --session are defaults for the records of a batch. */
export const loginFlags = {
  'server-addr': textFlag({
    char: 's',
    description: 'chat server that holds the connection',
    env: 'IMSTATE_SERVER_ADDR',
    helpValue: 'HOST:PORT',
  }),
  session: textFlag({
    description: 'session ID [default: generated]',
    env: 'IMSTATE_SESSION',
    helpValue: 'ID',
  }),
  platform: textFlag({
    description: 'platform of the device, such as ios or web',
    env: 'IMSTATE_PLATFORM',
    helpValue: 'NAME',
  }),
  ttl: durationFlag({
    description: 'end unless renewed, 1s to 30d [default: never]',
    env: 'IMSTATE_TTL',
    ...TTL_RULE,
    helpValue: 'TIME',
  }),
  metadata: textFlag({
    description: 'details of the device; repeatable',
    env: 'IMSTATE_METADATA',
    multiple: true,
    helpValue: 'KEY=VALUE,…',
  }),
  'client-ip': textFlag({
    description: 'IP address of the client',
    env: 'IMSTATE_CLIENT_IP',
    helpValue: 'ADDRESS',
  }),
  label: textFlag({
    description: 'name of the device for its user',
    env: 'IMSTATE_LABEL',
    helpValue: 'TEXT',
  }),
  'app-version': textFlag({
    description: 'version of the app',
    env: 'IMSTATE_APP_VERSION',
    helpValue: 'VERSION',
  }),
  policy: textFlag({
    description: "session policy: stored, a preset or keep-all [default: the cluster's]",
    env: 'IMSTATE_POLICY',
    helpValue: 'NAME',
  }),
  incarnation: Flags.integer({
    description: 'incarnation of the chat server, for its lease',
    env: 'IMSTATE_INCARNATION',
    min: 1,
    max: MAX_INCARNATION,
    helpValue: 'N',
  }),
};

/** The values of {@link loginFlags}. */
export interface LoginFlagValues {
  'server-addr': string | undefined;
  platform: string | undefined;
  ttl: number | undefined;
  metadata: string[] | undefined;
  'client-ip': string | undefined;
  label: string | undefined;
  'app-version': string | undefined;
  policy: string | undefined;
  incarnation: number | undefined;
}

/** The login that the flags describe, without its session. */
export function loginOf(flags: LoginFlagValues): Omit<OnlineRequest, 'userId' | 'deviceId' | 'serverAddr'> {
  return {
    platform: flags.platform,
    ttlMs: flags.ttl,
    metadata: flags.metadata && parseMetadata(flags.metadata.join(',')),
    policy: flags.policy,
    clientIp: flags['client-ip'],
    label: flags.label,
    appVersion: flags['app-version'],
    serverIncarnation: flags.incarnation,
  };
}

function parseMetadata(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
    throw new ImstateError(
      'WRONG_USAGE',
      `--metadata must be KEY=VALUE,…; "${pair}" is not (use --file for a value with a comma)`,
      { field: '--metadata' },
    );
  });
  return Object.fromEntries(pairs);
}
