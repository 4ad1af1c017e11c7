/**
 * Texts in UTF-8 amid other bytes. Taken out of one string of all the bytes, they cost a third of a
 * conversion each.
 */
export class PackedText {
  readonly bytes: Buffer;
  readonly #latin1: string;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#latin1 = bytes.toString('latin1');
  }

  text(start: number, end: number): string {
    for (let i = start; i < end; i++) {
      if ((this.bytes[i] as number) > 0x7f) return this.bytes.toString('utf8', start, end);
    }
    return this.#latin1.substring(start, end);
  }
}
