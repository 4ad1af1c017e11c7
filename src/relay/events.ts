import { CloudEvent } from 'cloudevents';
import type { Change, DeviceState } from 'imstate-client';
import { changeJson, sessionJson } from 'imstate-client/internal/json';
import { EVENT_TYPES, type EventType } from './eventTypes.js';
import type { OnlineUser } from './onlineUsers.js';
import type { RelayEvent } from './target.js';

/** A change has no ID: it comes from a daemon before version 0.2.0, which may be among others during an upgrade. */
export class OlderDaemon extends Error {
  constructor() {
    super('a daemon before version 0.2.0 sends changes without IDs: upgrade it');
    this.name = 'OlderDaemon';
  }
}

/** Makes the events of one store. They are CloudEvents 1.0. */
export class EventFactory {
  readonly #source: string;

  /** `storeId` is the identity of the store, a UUID. */
  constructor(storeId: string) {
    this.#source = `urn:uuid:${storeId}`;
  }

  /**
   * The events of a change: one of the session, whose ID is that of the change, and one of the user if it came online
   * or went offline.
   */
  ofChange(change: Change): RelayEvent[] {
    const { userId, deviceId, changeId, time } = change;
    if (changeId === undefined) throw new OlderDaemon();
    const { revision: _revision, changeId: _id, time: _time, ...data } = changeJson(change);
    const session = this.#event(sessionType(change), { id: changeId, subject: userId, time }, data);
    const userType = userTypeOf(change);
    if (userType === undefined) return [session];
    return [
      session,
      this.#event(
        userType,
        { id: `${changeId}-user`, subject: userId, time },
        {
          userId,
          deviceId,
          devicesOnline: change.devicesOnline,
        },
      ),
    ];
  }

  /** Snapshots follow, because changes are missing. `snapshotId` names them. */
  snapshotBegun(snapshotId: string, reason: string): RelayEvent {
    return this.#event(EVENT_TYPES.snapshotBegun, { id: `${snapshotId}-begun` }, { snapshotId, reason });
  }

  /** The devices of a user that are online, each with what a change has of its session. */
  snapshot(snapshotId: string, number: number, { userId, devices, devicesOmitted }: OnlineUser): RelayEvent {
    return this.#event(
      EVENT_TYPES.snapshot,
      { id: `${snapshotId}-${number}`, subject: userId },
      {
        snapshotId,
        userId,
        devicesOnline: devices.length,
        devices: devices.map(deviceJson),
        ...(devicesOmitted && { devicesOmitted }),
      },
    );
  }

  /** All users without a snapshot and without another event since {@link snapshotBegun} are offline. */
  snapshotEnded(snapshotId: string, snapshots: number): RelayEvent {
    return this.#event(EVENT_TYPES.snapshotEnded, { id: `${snapshotId}-ended` }, { snapshotId, snapshots });
  }

  #event(
    type: EventType,
    { id, subject, time = new Date() }: { id: string; subject?: string; time?: Date | undefined },
    data: object,
  ): RelayEvent {
    return new CloudEvent({
      id,
      source: this.#source,
      type,
      ...(subject !== undefined && { subject }),
      time: time.toISOString(),
      datacontenttype: 'application/json',
      data,
    });
  }
}

function deviceJson({ deviceId, sessionId = '', ...session }: DeviceState) {
  return { deviceId, ...sessionJson({ sessionId, ...session }) };
}

function sessionType({ online, moved }: Change): EventType {
  if (!online) return EVENT_TYPES.sessionEnded;
  return moved ? EVENT_TYPES.sessionMoved : EVENT_TYPES.sessionStarted;
}

function userTypeOf({ wasOnline, online, devicesOnline }: Change): EventType | undefined {
  if (!wasOnline && online && devicesOnline === 1) return EVENT_TYPES.userOnline;
  if (wasOnline && !online && devicesOnline === 0) return EVENT_TYPES.userOffline;
  return undefined;
}
