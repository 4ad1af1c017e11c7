import { isTooLarge } from 'imstate-client/internal/calls/callErrors';
import type { CallOptions } from 'imstate-client/internal/calls/messages';
import { presenceServiceApi } from 'imstate-client/internal/calls/presenceServiceApi';
import { userStatusApi } from 'imstate-client/internal/calls/userStatusApi';
import type { Channel } from 'imstate-client/internal/connection/channel';
import { untilAnswered } from 'imstate-client/internal/connection/untilAnswered';
import { isHostPort } from 'imstate-client/internal/shared/address';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { LegacyLogin } from './legacyRecord.js';

/** `unchanged`: the device has logged in or out at a daemon since. */
type LoginOutcome = 'imported' | 'unchanged';

/**
 * Logs a device in; a repeat changes nothing. Resolves with the error where a daemon refuses this login, and rejects
 * where it would refuse, or not answer, any.
 */
export type LogIn = (login: LegacyLogin) => Promise<LoginOutcome | ImstateError>;

/** What logs in at the daemons of a channel, repeating each call until one answers or its time is over. */
export function makeLogIn(channel: Channel, stop: AbortSignal): LogIn {
  const presence = presenceServiceApi(channel);
  const userStatus = userStatusApi(channel);

  /** With its session id and login time a login changes nothing if the device has a later one, or has logged out. */
  async function bySession(login: LegacyLogin, options: CallOptions): Promise<LoginOutcome> {
    const { endReason } = await presence.online(login, options);
    return endReason === undefined ? 'imported' : 'unchanged';
  }

  /** A name that is no HOST:PORT is for pb.UserStatus only, which has neither sessions nor login times: looks first. */
  async function byName({ userId, deviceId, serverAddr }: LegacyLogin, options: CallOptions) {
    const { devices } = await presence.getUser({ userId, deviceId }, options);
    const [device] = devices;
    if (device !== undefined)
      return device.online && device.serverAddr === serverAddr ? 'imported' : 'unchanged';
    await userStatus.online({ userId, deviceId, serverAddr }, options);
    return 'imported';
  }

  return (login) => {
    const logIn = isHostPort(login.serverAddr) ? bySession : byName;
    const call = (options: CallOptions) => logIn(login, options).catch(unlessOfLogin);
    return untilAnswered(call, { timeoutMs: channel.timeouts.timeoutMs }, stop);
  };
}

/** Returns the error where it is of one login: it breaks a rule, or its user has too many devices. Throws any other. */
function unlessOfLogin(error: unknown): ImstateError {
  if (error instanceof ImstateError && (error.code === 'INVALID_ARGUMENT' || isTooLarge(error))) return error;
  throw error;
}
