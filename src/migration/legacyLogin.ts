import { isTooLarge } from 'imstate-client/internal/calls/callErrors';
import type { CallOptions } from 'imstate-client/internal/calls/messages';
import { presenceServiceApi } from 'imstate-client/internal/calls/presenceServiceApi';
import { userStatusApi } from 'imstate-client/internal/calls/userStatusApi';
import type { Channel } from 'imstate-client/internal/connection/channel';
import { untilAnswered } from 'imstate-client/internal/connection/untilAnswered';
import { isHostPort } from 'imstate-client/internal/shared/address';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { LegacyLogin } from './legacyRecord.js';

/** `unchanged`: the device has since logged in or out at a daemon. */
type LoginOutcome = 'imported' | 'unchanged';

/**
 * Logs a device in; a repeat changes nothing. Resolves with the error if a daemon rejects this login. Rejects
 * if it would reject any login, or does not respond.
 */
export type LogIn = (login: LegacyLogin) => Promise<LoginOutcome | ImstateError>;

/**
 * Logs in at the daemons of a channel. Each call is retried until a daemon answers or its timeout is over.
 */
export function makeLogIn(channel: Channel, stop: AbortSignal): LogIn {
  const presence = presenceServiceApi(channel);
  const userStatus = userStatusApi(channel);

  /**
   * With session ID and login time, a login changes nothing if the device has logged in later, or has logged
   * out.
   */
  async function bySession(login: LegacyLogin, options: CallOptions): Promise<LoginOutcome> {
    const { endReason } = await presence.online(login, options);
    return endReason === undefined ? 'imported' : 'unchanged';
  }

  /**
   * Only pb.UserStatus accepts a name that is not HOST:PORT. It has no sessions or login times, so read
   * first.
   */
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

/**
 * Returns the error of this login: it is invalid, or its user has too many devices. Throws any other error.
 */
function unlessOfLogin(error: unknown): ImstateError {
  if (error instanceof ImstateError && (error.code === 'INVALID_ARGUMENT' || isTooLarge(error))) return error;
  throw error;
}
