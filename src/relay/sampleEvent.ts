import { EventFactory } from './events.js';
import type { RelayEvent } from './target.js';

/** The login of a device as an event, for a test of a target. */
export function sampleEvent(
  id: string,
  { userId, deviceId, serverAddr }: { userId: string; deviceId: string; serverAddr: string },
): RelayEvent {
  const now = new Date();
  const [event] = new EventFactory(id).ofChange({
    userId,
    deviceId,
    wasOnline: false,
    online: true,
    userOnline: true,
    devicesOnline: 1,
    moved: false,
    session: {
      sessionId: id,
      serverAddr,
      platform: 'web',
      loginTime: now,
      clientIp: undefined,
      label: undefined,
      appVersion: undefined,
    },
    ended: undefined,
    time: now,
    changeId: `test-${id}`,
    revision: '',
  });
  return event as RelayEvent;
}
