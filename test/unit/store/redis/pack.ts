import { PackedText } from '../../../../src/presence/packedText.ts';
import { Leases, type ReadContext, Texts } from '../../../../src/store/redis/replies.ts';

/** What a script packs: a number as [value, bytes], a text as [text, 'length'] or [text, 'length - 1']. */
export type Part = [number, number] | [string, 'length' | 'length - 1'];

/** Packs as the scripts do. */
export function pack(...parts: Part[]): Buffer {
  return Buffer.concat(
    parts.map(([value, how]) => {
      if (typeof value === 'number') {
        const bytes = Buffer.alloc(how as number);
        bytes.writeUIntBE(value, 0, how as number);
        return bytes;
      }
      const text = Buffer.from(value);
      return Buffer.concat([Buffer.of(text.length - (how === 'length' ? 0 : 1)), text]);
    }),
  );
}

export function textsOf(bytes: Buffer): Texts {
  return new Texts(new PackedText(bytes), 0);
}

export const context: ReadContext = { now: 5_000, leases: new Leases([]), retentionMs: 1_000 };
