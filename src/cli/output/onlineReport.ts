import type { OnlineRequest, OnlineResult } from 'imstate-client';
import { reasonSentence } from './reasons.js';
import { colors } from './style.js';
import { absoluteTime } from './times.js';

/** The result of a login as human-readable lines, with one for each session that it replaced. */
export function describeLogin(request: OnlineRequest, result: OnlineResult): string[] {
  const { green, yellow } = colors();
  const name = `${request.userId}/${request.deviceId}`;
  const session = result.sessionId ? `, session ${result.sessionId}` : '';
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
