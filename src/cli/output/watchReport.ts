import type { Change, DeviceState, WatchEvent } from 'imstate-client';
import { colors } from './style.js';
import { absoluteTime } from './times.js';
import { pad, widthOf } from './width.js';

/** The events of a watch as human-readable lines, in columns that widen as needed. */
export class WatchLines {
  #width = 0;

  of(event: WatchEvent): string[] {
    if (event.type === 'change') return [this.#changeLine(event)];
    if (event.type === 'synced') return [colors().gray('synced')];
    if (event.type !== 'snapshot') return [];
    const { userId, devices } = event;
    if (devices.length === 0) return [this.#line(undefined, userId, false, [])];
    return devices.map((device) => this.#deviceLine(userId, device));
  }

  #deviceLine(userId: string, { deviceId, serverAddr, sessionId, platform, loginTime }: DeviceState): string {
    return this.#line(loginTime, `${userId}/${deviceId}`, true, [serverAddr, sessionId, platform]);
  }

  #changeLine({ userId, deviceId, online, userOnline, session, ended, time }: Change): string {
    const name = `${userId}/${deviceId}`;
    if (session !== undefined) {
      const replaced = ended && `instead of ${ended.sessionId} at ${ended.serverAddr}`;
      return this.#line(time, name, online, [
        session.serverAddr,
        session.sessionId,
        session.platform,
        session.label,
        replaced,
      ]);
    }
    const other = userOnline ? `${userId} is online elsewhere` : undefined;
    const reason = ended?.reason?.toLowerCase();
    const by = ended?.by && `by ${ended.by.deviceId}`;
    return this.#line(time, name, online, [
      ended?.serverAddr,
      ended?.sessionId,
      reason,
      ended?.reasonText,
      by,
      other,
    ]);
  }

  #line(time: Date | undefined, name: string, online: boolean, rest: (string | undefined)[]): string {
    const { green, gray, bold } = colors();
    this.#width = Math.max(this.#width, widthOf(name));
    const status = online ? green('● online ') : gray('○ offline');
    const when = gray((time ? absoluteTime(time) : '').padEnd(20));
    return [when, bold(pad(name, this.#width)), status, ...rest.filter(Boolean)].join('  ').trimEnd();
  }
}

/** A notice about the watch itself; undefined if there is none. */
export function watchNotice(event: WatchEvent): string | undefined {
  if (event.type === 'disconnected') return `connection lost (${event.error.message}): reconnecting`;
  if (event.type === 'lagging')
    return `part of the store does not answer: changes of some users since ${absoluteTime(event.since)} may be missing`;
  if (event.type === 'caughtUp') return 'the store answers again: nothing is missing';
  if (event.type === 'reconnected') return 'reconnected: the missed changes follow';
  if (event.type === 'lost') return `changes were lost (${event.reason}): earlier output may be outdated`;
  return undefined;
}
