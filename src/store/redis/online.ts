import type { PolicyLimit, SessionPolicy } from 'imstate-client/internal/shared/policy';
import { addressBytes, NO_DETAILS } from '../../presence/details.js';
import { FIELD_TAGS } from '../../presence/fields.js';
import { END_REASONS } from '../../presence/record.js';
import { tooManyDevices } from '../../presence/rules.js';
import type { Login, LoginRejection, LoginResult, ReplacedSession } from '../../presence/sessions.js';
import type { Command, CommandReply } from './command.js';
import { compactPolicy, numberOf } from './policies.js';
import { type ReadContext, readSessions, recordsIn, type Texts } from './replies.js';
import {
  END_OF_ARGUMENT as END,
  FIELD_MARK,
  NO_METADATA,
  OPERATION,
  REJECTED,
  TOO_MANY_DEVICES,
} from './scriptConstants.js';

/** How logins are written. */
export interface LoginForm {
  /** See StoreOptions. */
  maxDevices: number;
  /** See PresenceStore.featureLevel. */
  featureLevel: number;
}

/** A login, see scripts/online.lua. */
export function onlineCommand(login: Login, { maxDevices, featureLevel }: LoginForm): Command<LoginResult> {
  return {
    userId: login.userId,
    text: encodeLogin(login, featureLevel),
    isChange: true,
    policy: compactPolicy(login.policy),
    readReply: (reply, context) => decodeLoginResult(reply, login.policy, maxDevices, context),
    merge: mergeLogins,
  };
}

/** The arguments of a login. One template: a login is the most frequent change. */
export function encodeLogin(login: Login, featureLevel: number): string {
  const { userId, deviceId, sessionId, serverAddr, platform, ttlMs, incarnation } = login;
  const isNew = login.isNewSessionId ? 1 : 0;
  return (
    `${OPERATION.OP_ONLINE}${userId}${END}${deviceId}${END}${sessionId}${END}${serverAddr}${END}${platform}${END}` +
    `${ttlMs}${END}${incarnation}${END}${numberOf(login.policy)}${END}${login.resentLoginTimeMs}${END}${isNew}${END}` +
    `${encodeRest(login, featureLevel)}${END}`
  );
}

/** The metadata, and the details as fields. See src/presence/record.ts for records without metadata. */
function encodeRest({ metadata, details }: Login, featureLevel: number): string {
  const json = encodeMetadata(metadata);
  if (details === NO_DETAILS) return json;
  const { clientIp, label, appVersion } = details;
  const address = clientIp && Buffer.from(addressBytes(clientIp)).toString('hex');
  const fields =
    encodeField(FIELD_TAGS.CLIENT_IP, address) +
    encodeField(FIELD_TAGS.LABEL, label) +
    encodeField(FIELD_TAGS.APP_VERSION, appVersion);
  const filler = featureLevel < 2 ? NO_METADATA : '';
  return fields && (json || filler) + fields;
}

function encodeField(tag: string, value: string): string {
  return value && `${FIELD_MARK}${tag}${value}`;
}

function encodeMetadata(metadata: Record<string, string>): string {
  for (const _ in metadata) return JSON.stringify(metadata);
  return '';
}

/** Throws RESOURCE_EXHAUSTED if the user may have no more devices online. */
export function decodeLoginResult(
  reply: CommandReply,
  policy: SessionPolicy,
  maxDevices: number,
  context: ReadContext,
): LoginResult {
  if (typeof reply === 'number')
    return { loginTimeMs: reply, replaced: [], endReason: undefined, rejection: undefined };
  const texts = reply as Texts;
  const loginTimeMs = texts.number(6);
  const reason = texts.number(1);
  if (reason === TOO_MANY_DEVICES) throw tooManyDevices(maxDevices);
  if (reason === REJECTED) {
    const rejection = decodeRejection(texts, policy, context);
    return { loginTimeMs, replaced: [], endReason: undefined, rejection };
  }
  const replaced: ReplacedSession[] = [];
  while (!texts.isAtEnd) {
    replaced.push({ deviceId: texts.next(1), sessionId: texts.next(1), serverAddr: texts.next(0) });
    texts.next(0);
  }
  return { loginTimeMs, replaced, endReason: END_REASONS[reason], rejection: undefined };
}

function decodeRejection(texts: Texts, { limits }: SessionPolicy, context: ReadContext): LoginRejection {
  const limit = limits[texts.number(1)] as PolicyLimit;
  const conflictsOmitted = texts.number(2);
  return { limit, conflicts: readSessions(recordsIn(texts), context).sessions, conflictsOmitted };
}

function mergeLogins(before: LoginResult, part: LoginResult): LoginResult {
  return { ...part, replaced: [...part.replaced, ...before.replaced] };
}
