/** A stream, as a daemon that stops or closes a connection sees it. */
export interface OpenStream {
  /** The daemon stops: ends the stream, so that its caller continues with another daemon. */
  stop(): void;
  /** The connection is closed: ends the stream as soon as that is no loss for its caller. */
  retire(): Promise<void>;
}

/** The open streams, in total and by connection. */
export class OpenStreams {
  readonly #connections = new Map<OpenStream, object>();
  readonly #ofConnection = new WeakMap<object, Set<OpenStream>>();
  /** Closed connections. A stream that waited for its credentials may still begin on one. */
  readonly #retired = new WeakSet<object>();

  add(stream: OpenStream, connection: object): void {
    this.#connections.set(stream, connection);
    const others = this.#ofConnection.get(connection);
    if (others) others.add(stream);
    else this.#ofConnection.set(connection, new Set([stream]));
    if (this.#retired.has(connection)) void stream.retire();
  }

  has(stream: OpenStream): boolean {
    return this.#connections.has(stream);
  }

  /** Returns false if it was removed before. */
  delete(stream: OpenStream): boolean {
    const connection = this.#connections.get(stream);
    if (connection === undefined) return false;
    this.#connections.delete(stream);
    this.#ofConnection.get(connection)?.delete(stream);
    return true;
  }

  stopAll(): void {
    for (const stream of [...this.#connections.keys()]) stream.stop();
  }

  retire(connection: object): void {
    this.#retired.add(connection);
    for (const stream of [...(this.#ofConnection.get(connection) ?? [])]) void stream.retire();
  }
}
