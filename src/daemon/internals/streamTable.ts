import { types } from 'node:util';
import { Slots } from './slots.js';

/** What a session of node:http2 asks of its table of streams (Node.js 20 to 24). */
class StreamTable<Stream> {
  readonly #places = new Map<number, number>();
  readonly #streams = new Slots<Stream>();

  get size(): number {
    return this.#places.size;
  }

  get(id: number): Stream | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#streams.at(place);
  }

  set(id: number, stream: Stream): void {
    this.delete(id);
    this.#places.set(id, this.#streams.take(stream));
  }

  delete(id: number): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#places.delete(id);
    this.#streams.leave(place);
  }

  forEach(look: (stream: Stream, id: number) => void): void {
    for (const [id, place] of this.#places) look(this.#streams.at(place) as Stream, id);
  }
}

let stateKey: symbol | undefined;

/**
 * Lets the streams of a session of node:http2 go when they are over. It keeps them in a Map, which does not ({@link Slots}), and has no public way to
 * another table; on a connection that lasts, a call takes a quarter more of the processor so. What is made otherwise is left as it is.
 */
export function letEndedStreamsGo(session: object): void {
  stateKey ??= Object.getOwnPropertySymbols(session).find(({ description }) => description === 'state');
  const state = stateKey && (session as Record<symbol, { streams?: unknown } | undefined>)[stateKey];
  // Node.js's own Map is no instance of ours.
  if (!types.isMap(state?.streams)) return;
  const table = new StreamTable();
  state.streams.forEach((stream, id) => {
    table.set(id as number, stream);
  });
  state.streams = table;
}
