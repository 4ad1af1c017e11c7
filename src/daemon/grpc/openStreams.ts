/** A stream as a daemon sees it that stops, or that closes its connection. */
export interface OpenStream {
  /** The daemon stops: ends the stream, so that its caller continues at another one. */
  stop(): void;
  /** The connection is closed: ends the stream as soon as its caller loses nothing by that. */
  retire(): Promise<void>;
}

/** The streams that are open, in all and by connection. */
export class OpenStreams {
  readonly #connections = new Map<OpenStream, object>();
  readonly #ofConnection = new WeakMap<object, Set<OpenStream>>();
  /** Connections that are closed, on which streams may begin that were waiting for their credentials. */
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

  /** False if it is over already. */
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
