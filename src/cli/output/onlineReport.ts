import type { DeviceState, LoginValidation, OnlineRequest, OnlineResult } from 'imstate-client';
import { describeLimit } from '../../presence/policy.js';
import { reasonSentence } from './reasons.js';
import { colors } from './style.js';
import { absoluteTime } from './times.js';

/** The result of a login as human-readable lines, with one for each session that it replaced. */
export function describeLogin(request: OnlineRequest, result: OnlineResult): string[] {
  const { green, yellow } = colors();
  const name = `${request.userId}/${request.deviceId}`;
  const session = result.sessionId ? `, session ${result.sessionId}` : '';
  if (result.rejected) {
    const { policy = 'the policy', limit } = result;
    const why = limit === undefined ? '' : `: ${describeLimit(limit)}`;
    return [
      `${yellow('rejected')}: ${policy} does not let ${name} log in${why}; nothing was changed, close its connection`,
      ...describeConflict(result),
    ];
  }
  if (result.endReason !== undefined) {
    const why = reasonSentence(result.endReason);
    return [
      `${yellow('nothing changed')}: session ${result.sessionId} of ${name} had ended already, ${why}; close its connection`,
    ];
  }
  const since = result.loginTime ? ` since ${absoluteTime(result.loginTime)}` : '';
  return [
    `${name} is ${green('online')} at ${request.serverAddr}${session}${since}`,
    ...result.replaced.map(
      (ended) =>
        `${yellow('replaced')} session ${ended.sessionId} of ${ended.deviceId} at ${ended.serverAddr}: close it there`,
    ),
    ...(result.replacedOmitted > 0
      ? [`${yellow('replaced')} ${result.replacedOmitted} more sessions, which did not fit the response`]
      : []),
  ];
}

/** The sessions that stand in the way of a login, one per line, and how many of several must end. */
export function describeConflict({
  conflicts,
  conflictsOmitted,
  limit,
}: Pick<LoginValidation, 'conflicts' | 'conflictsOmitted' | 'limit'>): string[] {
  const { yellow } = colors();
  const count = conflicts.length + conflictsOmitted;
  const excess = limit === undefined ? count : count + 1 - limit.max;
  return [
    ...conflicts.map((device) => `${yellow('in the way')}: ${describeDevice(device)}`),
    ...(conflictsOmitted > 0 ? [`${yellow('in the way')}: ${conflictsOmitted} more sessions`] : []),
    ...(excess < count ? [`end ${excess} of these ${count} sessions to make room`] : []),
  ];
}

function describeDevice({
  deviceId,
  sessionId,
  serverAddr,
  platform,
  label,
  loginTime,
}: DeviceState): string {
  const details = [label && JSON.stringify(label), platform].filter(Boolean).join(', ');
  const since = loginTime ? ` since ${absoluteTime(loginTime)}` : '';
  return `session ${sessionId} of ${deviceId}${details && ` (${details})`} at ${serverAddr}${since}`;
}
