import type { Device__Output } from '../generated/imstate/v1/Device.js';
import type { EndedSession__Output } from '../generated/imstate/v1/EndedSession.js';
import type { Explanation__Output } from '../generated/imstate/v1/Explanation.js';
import type { Lease__Output } from '../generated/imstate/v1/Lease.js';
import { fromDuration } from '../wire/duration.js';
import { endReasons, leaseStates } from '../wire/enums.js';
import { fromTimestamp } from '../wire/timestamp.js';
import type { DeviceState, EndedSession, Explanation, LeaseState } from './messages.js';

/** A device as the daemon answered it. */
export function readDevice(device: Device__Output): DeviceState {
  return {
    deviceId: device.deviceId,
    online: device.online,
    sessionId: device.sessionId,
    serverAddr: device.serverAddr,
    platform: device.platform || undefined,
    loginTime: fromTimestamp(device.loginTime),
    lastSeen: fromTimestamp(device.lastSeenTime),
    logoutTime: fromTimestamp(device.logoutTime),
    reason: endReasons.fromWire(device.endReason),
    metadata: device.metadata,
    explanation: device.explanation ? readExplanation(device.explanation) : undefined,
  };
}

/** A session that is over, as the daemon answered it. */
export function readEnded(ended: EndedSession__Output): EndedSession {
  const { userId, deviceId, sessionId, serverAddr, endReason } = ended;
  return { userId, deviceId, sessionId, serverAddr, reason: endReasons.fromWire(endReason) };
}

/** A lease as the daemon answered it; undefined if there is none. */
export function readLease(lease: Lease__Output | null): LeaseState | undefined {
  const state = lease ? leaseStates.fromWire(lease.state) : undefined;
  if (lease === null || state === undefined) return undefined;
  return {
    state,
    incarnation: lease.incarnation,
    ttlMs: fromDuration(lease.timeToLive) ?? 0,
    expireTime: fromTimestamp(lease.expireTime),
  };
}

function readExplanation(explanation: Explanation__Output): Explanation {
  return {
    ttlMs: fromDuration(explanation.timeToLive),
    expireTime: fromTimestamp(explanation.expireTime),
    graceEndTime: fromTimestamp(explanation.graceEndTime),
    forgetTime: fromTimestamp(explanation.forgetTime),
    lease: readLease(explanation.lease),
  };
}
