import type { WatchResponse } from 'imstate-client/internal/generated/imstate/v1/WatchResponse';
import { loadCodec } from 'imstate-client/internal/wire/codec';
import type { Change } from '../../store/changeLog.js';
import { toChange } from '../messages/responses.js';
import type { Shared } from './backlog.js';

/** The objects of a change, without their texts. Bytes, as measured. */
const OBJECT_BYTES = 600;

/** Encodes part of a response: the parts of a protobuf message may follow each other. */
export function encodePart(part: WatchResponse): Buffer {
  return loadCodec().writer<WatchResponse>('imstate.v1.WatchResponse')(part);
}

/** A change as watches send it. All watches that get the same bytes share it, and it is encoded once. */
export class PublishedChange implements Shared {
  readonly change: Change;
  /** The revision behind the change. */
  readonly revision: string;
  readonly size: number;
  holders = 0;
  closedHolders = 0;
  /** The change as JSON; kept here by who made it, for those who send the same. */
  json: string | undefined;
  #bytes: Buffer | undefined;
  #deviceKey: string | undefined;

  constructor(change: Change, revision: string) {
    this.change = change;
    this.revision = revision;
    // Each text is there as a string and encoded, and in the key of the device.
    this.size = OBJECT_BYTES + 3 * (textLengthOf(change) + revision.length);
  }

  /** The change as a part of a response. */
  get bytes(): Buffer {
    this.#bytes ??= encodePart({ changes: [toChange(this.change, this.revision)] });
    return this.#bytes;
  }

  /** Names the device among all. */
  get deviceKey(): string {
    this.#deviceKey ??= `${this.change.userId}\0${this.change.deviceId}`;
    return this.#deviceKey;
  }

  /** This change in the place of an earlier one of the same device that was not sent. */
  replacing({ change: earlier }: PublishedChange): PublishedChange {
    const { wasOnline } = earlier;
    const ended = this.change.ended ?? earlier.ended;
    return new PublishedChange({ ...this.change, wasOnline, ended }, this.revision);
  }
}

function textLengthOf({ userId, deviceId, began, ended }: Change): number {
  let length = userId.length + deviceId.length;
  for (const session of [began, ended]) {
    if (session === undefined) continue;
    length += session.sessionId.length + session.serverAddr.length + session.platform.length;
  }
  return length;
}
