/** Bytes that a daemon holds for its callers: those of each connection that has any, and all of them. */
export class HeldBytes {
  readonly #byConnection = new WeakMap<object, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** What is held for a connection. */
  of(connection: object): number {
    return this.#byConnection.get(connection) ?? 0;
  }

  /** Holds so many bytes more for a connection, or fewer. */
  add(connection: object, bytes: number): void {
    this.#total += bytes;
    this.#byConnection.set(connection, this.of(connection) + bytes);
  }
}
