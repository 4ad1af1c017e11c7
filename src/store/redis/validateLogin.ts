import type { LoginResult, LoginTrial } from '../../presence/sessions.js';
import type { Command } from './command.js';
import { decodeLoginResult, type LoginForm } from './online.js';
import { compactPolicy, numberOf } from './policies.js';
import type { Texts } from './replies.js';
import { END_OF_ARGUMENT as END, OPERATION } from './scriptConstants.js';

/** The trial of a login, see scripts/validateLogin.lua. */
export function validateLoginCommand(trial: LoginTrial, { maxDevices }: LoginForm): Command<LoginResult> {
  const { userId, deviceId, sessionId, platform, policy } = trial;
  return {
    userId,
    text:
      `${OPERATION.OP_VALIDATE}${userId}${END}${deviceId}${END}${sessionId}${END}${platform}${END}` +
      `${numberOf(policy)}${END}`,
    isChange: false,
    policy: compactPolicy(policy),
    readReply: (reply, context) => {
      const replacedOmitted = (reply as Texts).number(2);
      const result = decodeLoginResult(reply, policy, maxDevices, context);
      return replacedOmitted === 0 ? result : { ...result, replacedOmitted };
    },
  };
}
