import type { DeviceState, Explanation, LeaseState } from 'imstate-client';
import { jsonTime } from './times.js';

/** A device as --json prints it. */
export function deviceJson(device: DeviceState) {
  return {
    deviceId: device.deviceId,
    online: device.online,
    serverAddr: device.serverAddr,
    sessionId: device.sessionId ?? null,
    platform: device.platform ?? null,
    loginTime: jsonTime(device.loginTime),
    lastSeen: jsonTime(device.lastSeen),
    logoutTime: jsonTime(device.logoutTime),
    reason: device.reason ?? null,
    metadata: device.metadata,
  };
}

/** An explanation as --json prints it. */
export function explanationJson(explanation: Explanation | undefined) {
  if (explanation === undefined) return null;
  return {
    ttlMs: explanation.ttlMs ?? null,
    expireTime: jsonTime(explanation.expireTime),
    graceEndTime: jsonTime(explanation.graceEndTime),
    forgetTime: jsonTime(explanation.forgetTime),
    lease: leaseJson(explanation.lease),
  };
}

/** A lease as --json prints it. */
export function leaseJson(lease: LeaseState | undefined) {
  if (lease === undefined) return null;
  const { state, incarnation, ttlMs, expireTime } = lease;
  return { state, incarnation, ttlMs, expireTime: jsonTime(expireTime) };
}
