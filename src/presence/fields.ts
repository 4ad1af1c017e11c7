import type { LoginDetails } from 'imstate-client/internal/shared/session';
import { addressBytes, addressOf, NETWORK_BYTES, NO_DETAILS, networkOf } from './details.js';
import type { PackedText } from './packedText.js';

/**
 * The fields at the end of a packed record, of an entry of the history, and of a change: for each its tag,
 * its length - 1 in a byte, and its value. The address comes first. Readers skip tags that they do not know,
 * and versions before 0.2.0 skip all of them. scripts/record.lua packs and reads the same.
 */
export const FIELD_TAGS = {
  /** 4 or 16 bytes. */
  CLIENT_IP: 'i',
  /** The first 3 or 6 bytes of an address, in the history. */
  CLIENT_NETWORK: 'n',
  LABEL: 'l',
  APP_VERSION: 'v',
  /** The reason text of an eviction. */
  REASON_TEXT: 'r',
} as const;

/** The values of the fields. */
export interface Fields {
  details: LoginDetails;
  /** '' for none. */
  reasonText: string;
}

const NO_FIELDS: Fields = { details: NO_DETAILS, reasonText: '' };

/** Reads the fields from `start` to `end`. */
export function readFields(packed: PackedText, start: number, end: number): Fields {
  if (start >= end) return NO_FIELDS;
  const details = { ...NO_DETAILS };
  let reasonText = '';
  for (let at = start; at + 1 < end; ) {
    const tag = String.fromCharCode(packed.bytes[at] as number);
    const from = at + 2;
    at = from + (packed.bytes[at + 1] as number) + 1;
    if (tag === FIELD_TAGS.CLIENT_IP) details.clientIp = addressOf([...packed.bytes.subarray(from, at)]);
    else if (tag === FIELD_TAGS.CLIENT_NETWORK)
      details.clientIp = readNetwork(packed.bytes.subarray(from, at));
    else if (tag === FIELD_TAGS.LABEL) details.label = packed.text(from, at);
    else if (tag === FIELD_TAGS.APP_VERSION) details.appVersion = packed.text(from, at);
    else if (tag === FIELD_TAGS.REASON_TEXT) reasonText = packed.text(from, at);
  }
  return { details, reasonText };
}

function readNetwork(prefix: Buffer): string {
  const length = prefix.length === NETWORK_BYTES.IPV4 ? 4 : 16;
  return networkOf(Array.from({ length }, (_, i) => prefix[i] ?? 0));
}

const NOTHING = Buffer.alloc(0);

/** Packs fields; empty ones are left out. */
export function packFields({ details, reasonText }: Fields): Buffer {
  if (details === NO_DETAILS && reasonText === '') return NOTHING;
  return Buffer.concat([
    packField(
      FIELD_TAGS.CLIENT_IP,
      details.clientIp === '' ? NOTHING : Buffer.from(addressBytes(details.clientIp)),
    ),
    packField(FIELD_TAGS.LABEL, Buffer.from(details.label)),
    packField(FIELD_TAGS.APP_VERSION, Buffer.from(details.appVersion)),
    packField(FIELD_TAGS.REASON_TEXT, Buffer.from(reasonText)),
  ]);
}

function packField(tag: string, value: Buffer): Buffer {
  if (value.length === 0) return NOTHING;
  return Buffer.concat([Buffer.from(tag), Buffer.of(value.length - 1), value]);
}
