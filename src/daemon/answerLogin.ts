import type { OnlineRequest__Output } from 'imstate-client/internal/generated/imstate/v1/OnlineRequest';
import type { OnlineResponse__Output } from 'imstate-client/internal/generated/imstate/v1/OnlineResponse';
import type { Caller } from './auth/roles.js';
import { toOnlineResponse } from './messages/onlineResponse.js';
import { readPolicyOf } from './messages/policyRequests.js';
import { readLogin, readTrial } from './messages/requests.js';
import { showLogin } from './messages/responseRoom.js';
import type { Policies } from './policies.js';
import type { Presence } from './presence.js';

/** Who logs a device in. */
interface LoginCaller {
  /** Undefined if authentication is off. */
  caller: Caller | undefined;
  peer: string;
}

/** Answers Online, whichever way it arrived: reads and checks the request, and logs in, or tries to. */
export async function answerLogin(
  { presence, policies }: { presence: Presence; policies: Policies },
  request: OnlineRequest__Output,
  { caller, peer }: LoginCaller,
): Promise<OnlineResponse__Output> {
  const policy = readPolicyOf(request, policies, caller);
  if (request.validateOnly) {
    const trial = readTrial(request, policy);
    return toOnlineResponse(trial, showLogin(trial.userId, await presence.validateLogin(trial, peer)));
  }
  const login = readLogin(request, policy);
  return toOnlineResponse(login, showLogin(login.userId, await presence.online(login, peer)));
}
