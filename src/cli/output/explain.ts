import type { DeviceState, Explanation, LeaseState } from 'imstate-client';
import { formatDuration } from '../flags/durations.js';
import { printable } from './printable.js';
import { reasonSentence } from './reasons.js';
import { colors } from './style.js';
import { absoluteTime, relativeTime } from './times.js';

/** Explains the status of a device: a sentence, and a line per fact. */
export function explainDevice(device: DeviceState): string {
  const { bold, gray } = colors();
  const facts = [...sessionFacts(device), ...explanationFacts(device, device.explanation)];
  const width = Math.max(...facts.map(([name]) => name.length));
  const lines = facts.map(([name, fact]) => `  ${gray(name.padEnd(width))}  ${fact}`);
  return [`${bold(device.deviceId)} ${sentenceOf(device)}`, ...lines].join('\n');
}

type Fact = [name: string, fact: string];

function sentenceOf(device: DeviceState): string {
  const { online, reason, reasonText, loginTime, logoutTime, explanation } = device;
  if (!online) {
    const when = logoutTime ? `went offline ${relativeTime(logoutTime)}` : 'is offline';
    const text = reasonText === undefined ? '' : `: "${printable(reasonText)}"`;
    return `${when}: its session ended, because ${reasonSentence(reason)}${text}.`;
  }
  const login = `it logged in ${loginTime ? relativeTime(loginTime) : 'at an unknown time'}`;
  if (explanation?.graceEndTime !== undefined) {
    return `is online: ${login}, and its logout takes effect after its grace.`;
  }
  return `is online: ${login}, and nothing has ended its session since.`;
}

function sessionFacts(device: DeviceState): Fact[] {
  const platform = device.platform ? `, platform ${device.platform}` : '';
  const metadata = Object.entries(device.metadata).map(([key, value]) => printable(`${key}=${value}`));
  return [
    ['session', `${device.sessionId ?? 'unknown'} at ${device.serverAddr}${platform}`],
    ...detailFacts(device),
    ['metadata', metadata.join(', ') || 'none'],
    ['login', timeOf(device.loginTime)],
    ['last seen', timeOf(device.lastSeen)],
    ...(device.online
      ? []
      : [['ended', `${timeOf(device.logoutTime)}: ${device.reason ?? 'unknown reason'}`] as Fact]),
  ];
}

function detailFacts({ label, clientIp, appVersion }: DeviceState): Fact[] {
  const facts: [string, string | undefined][] = [
    ['label', label],
    ['client', clientIp],
    ['app version', appVersion],
  ];
  return facts.flatMap(([name, fact]): Fact[] => (fact === undefined ? [] : [[name, printable(fact)]]));
}

function explanationFacts({ online, serverAddr }: DeviceState, explanation: Explanation | undefined): Fact[] {
  if (explanation === undefined) return [['more', 'unknown: the daemon is older']];
  const { ttlMs, expireTime, graceEndTime, forgetTime, lease } = explanation;
  if (!online) return [['removed', forgetTime ? timeOf(forgetTime) : 'at an unknown time']];
  const ttl = ttlMs ? `${formatDuration(ttlMs)}: expires ${timeOf(expireTime)} unless it is renewed` : 'none';
  const grace = graceEndTime
    ? `the logout takes effect ${timeOf(graceEndTime)} unless the device logs in before`
    : 'none';
  return [
    ['time to live', ttl],
    ['grace', grace],
    ['lease', lease ? leaseFact(serverAddr, lease) : 'none: the session does not end with its chat server'],
  ];
}

const LEASE_STATES: Record<LeaseState['state'], string> = {
  ALIVE: 'is alive',
  RESYNC: 'is alive, and its chat server must send its sessions again',
  DRAINING: 'is alive, and its chat server drains: it closes its connections',
  LOST: 'expired: its sessions are being ended',
  UNKNOWN: 'is in a state that this version of imstate does not know',
};

function leaseFact(serverAddr: string, { state, incarnation, ttlMs, expireTime }: LeaseState): string {
  const says = LEASE_STATES[state];
  const ends = `lasts ${formatDuration(ttlMs)}, expires ${timeOf(expireTime)} unless it is renewed`;
  return `of ${serverAddr}, incarnation ${incarnation}, ${says}; ${ends}`;
}

function timeOf(time: Date | undefined): string {
  return time ? `${absoluteTime(time)} (${relativeTime(time)})` : 'unknown';
}
