/** Bytes that a daemon holds for its callers: in total, and per connection. */
export class HeldBytes {
  readonly #byConnection = new WeakMap<object, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** The bytes held for a connection. */
  of(connection: object): number {
    return this.#byConnection.get(connection) ?? 0;
  }

  /** Adds bytes to a connection, or subtracts them if negative. */
  add(connection: object, bytes: number): void {
    this.#total += bytes;
    this.#byConnection.set(connection, this.of(connection) + bytes);
  }
}
