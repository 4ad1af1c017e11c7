import type { WatchResponse } from 'imstate-client/internal/generated/imstate/v1/WatchResponse';
import type { LoginDetails } from 'imstate-client/internal/shared/session';
import { loadCodec } from 'imstate-client/internal/wire/codec';
import type { Change } from '../../store/changeLog.js';
import { toChange } from '../messages/responses.js';
import type { Shared } from './backlog.js';

/** The objects of a change, without their strings. Bytes, as measured. */
const OBJECT_BYTES = 600;

/** Encodes part of a response. Parts of a protobuf message can be concatenated. */
export function encodePart(part: WatchResponse): Buffer {
  return loadCodec().writer<WatchResponse>('imstate.v1.WatchResponse')(part);
}

/** A change as watches send it. It is encoded once, and shared by all watches that send the same bytes. */
export class PublishedChange implements Shared {
  readonly change: Change;
  /** See ChangeLog.changeId. */
  readonly changeId: string;
  /** The revision behind the change. */
  readonly revision: string;
  readonly size: number;
  holders = 0;
  closedHolders = 0;
  /** The change as JSON, kept by whoever made it for others that send the same. */
  json: string | undefined;
  #bytes: Buffer | undefined;
  #deviceKey: string | undefined;

  constructor(change: Change, changeId: string, revision: string) {
    this.change = change;
    this.changeId = changeId;
    this.revision = revision;
    // Each string is held decoded, encoded, and in the key of the device.
    this.size = OBJECT_BYTES + 3 * (textLengthOf(change) + changeId.length + revision.length);
  }

  /** The change as a part of a response. */
  get bytes(): Buffer {
    this.#bytes ??= encodePart({ changes: [toChange(this.change, this)] });
    return this.#bytes;
  }

  /** Identifies the device among all users. */
  get deviceKey(): string {
    this.#deviceKey ??= `${this.change.userId}\0${this.change.deviceId}`;
    return this.#deviceKey;
  }

  /** This change in place of an earlier one of the same device that was not sent. */
  replacing({ change: earlier }: PublishedChange): PublishedChange {
    const { wasOnline } = earlier;
    const ended = this.change.ended ?? earlier.ended;
    return new PublishedChange({ ...this.change, wasOnline, ended }, this.changeId, this.revision);
  }
}

function textLengthOf({ userId, deviceId, began, ended }: Change): number {
  let length = userId.length + deviceId.length;
  for (const session of [began, ended]) {
    if (session === undefined) continue;
    length += session.sessionId.length + session.serverAddr.length + session.platform.length;
  }
  if (began) length += detailsLength(began.details);
  if (ended) length += ended.reasonText.length + (ended.by ? BY_LENGTH + detailsLength(ended.by.details) : 0);
  return length;
}

/** The texts of a login that replaced a session, beside its details; estimated. */
const BY_LENGTH = 128;

function detailsLength({ clientIp, label, appVersion }: LoginDetails): number {
  return clientIp.length + label.length + appVersion.length;
}
