import { readDetails, readDevice, readEnded } from '../calls/readDevice.js';
import type { Change__Output } from '../generated/imstate/v1/Change.js';
import type { SessionBegin__Output } from '../generated/imstate/v1/SessionBegin.js';
import type { WatchResponse__Output } from '../generated/imstate/v1/WatchResponse.js';
import { fromTimestamp } from '../wire/timestamp.js';
import type { Change, SessionBegin, WatchEvent } from './watchMessages.js';

/**
 * The events of one response. `synced` comes last: the revision of a response is valid once all of it is
 * delivered.
 */
export function* readEvents(response: WatchResponse__Output): Generator<WatchEvent> {
  const { snapshot, synced, changes, revision, laggingSince, caughtUp } = response;
  for (const { userId, devices } of snapshot) {
    yield { type: 'snapshot', userId, devices: devices.map(readDevice) };
  }
  for (const change of changes) yield { type: 'change', ...readChange(change) };
  if (synced) yield { type: 'synced', revision };
  else if (revision !== '' && snapshot.length === 0 && changes.length === 0)
    yield { type: 'progress', revision };
  const since = fromTimestamp(laggingSince);
  if (since) yield { type: 'lagging', since };
  if (caughtUp) yield { type: 'caughtUp' };
}

/** A change as the daemon sent it. */
export function readChange({
  session,
  ended,
  time,
  changeId,
  devicesOnline,
  ...change
}: Change__Output): Change {
  return {
    ...change,
    devicesOnline: devicesOnline === 0 && change.userOnline ? undefined : devicesOnline,
    changeId: changeId || undefined,
    session: session ? readSession(session) : undefined,
    ended: ended ? readEnded(ended) : undefined,
    time: fromTimestamp(time),
  };
}

function readSession({ platform, loginTime, ...session }: SessionBegin__Output): SessionBegin {
  return {
    ...session,
    ...readDetails(session),
    platform: platform || undefined,
    loginTime: fromTimestamp(loginTime),
  };
}
