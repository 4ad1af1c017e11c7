import { types } from 'node:util';
import { Slots } from './slots.js';
import { isTestedNode } from './testedNode.js';

/**
 * A Map of streams by id that releases each stream as soon as it is deleted. When V8 rehashes a Map, the old
 * table keeps its entries until the next full garbage collection. Here that table holds slot numbers only.
 */
export class StreamTable<Stream> extends Map<number, Stream> {
  readonly #slots = new Map<number, number>();
  readonly #streams = new Slots<Stream>();

  override get size(): number {
    return this.#slots.size;
  }

  override has(id: number): boolean {
    return this.#slots.has(id);
  }

  override get(id: number): Stream | undefined {
    const slot = this.#slots.get(id);
    return slot === undefined ? undefined : this.#streams.at(slot);
  }

  override set(id: number, stream: Stream): this {
    const slot = this.#slots.get(id);
    if (slot === undefined) this.#slots.set(id, this.#streams.take(stream));
    else this.#streams.replace(slot, stream);
    return this;
  }

  override delete(id: number): boolean {
    const slot = this.#slots.get(id);
    if (slot === undefined) return false;
    this.#streams.leave(slot);
    return this.#slots.delete(id);
  }

  override clear(): void {
    for (const id of this.#slots.keys()) this.delete(id);
  }

  override forEach(
    visit: (stream: Stream, id: number, table: Map<number, Stream>) => void,
    thisArg?: unknown,
  ): void {
    for (const [id, stream] of this) visit.call(thisArg, stream, id, this);
  }

  override keys(): MapIterator<number> {
    return this.#slots.keys();
  }

  override *values(): MapIterator<Stream> {
    for (const slot of this.#slots.values()) yield this.#streams.at(slot) as Stream;
  }

  override *entries(): MapIterator<[number, Stream]> {
    for (const [id, slot] of this.#slots) yield [id, this.#streams.at(slot) as Stream];
  }

  override [Symbol.iterator](): MapIterator<[number, Stream]> {
    return this.entries();
  }
}

let stateKey: symbol | undefined;

/**
 * Patch of Node.js: a session of `node:http2` keeps its streams in a {@link StreamTable} instead of a Map. On
 * a connection that lasts, the streams that the Map does not release take a fifth more CPU time of each call;
 * see docs/performance.md.
 *
 * - Upstream: no issue describes this cost. https://github.com/nodejs/node/issues/44523 reports streams that
 *   stay in memory.
 * - Tested with Node.js 20.20, 22.23 and 24.22; not applied to other majors.
 * - Relies on: the session's property `Symbol(state)` with a Map `streams`, of which only methods of Map are
 *   called.
 * - Fallback: the session keeps its Map.
 *
 * Returns whether the session has the table. Call it before the first stream of the session.
 */
export function useStreamTable(session: object, isTested = isTestedNode()): boolean {
  if (!isTested) return false;
  stateKey ??= Object.getOwnPropertySymbols(session).find(({ description }) => description === 'state');
  const state = stateKey && (session as Record<symbol, { streams?: unknown } | undefined>)[stateKey];
  const streams = state?.streams;
  if (streams instanceof StreamTable) return true;
  // Node.js uses its own subclass of Map, which is no instance of ours.
  if (state === undefined || !types.isMap(streams)) return false;
  const table = new StreamTable<unknown>();
  streams.forEach((stream, id) => {
    table.set(id as number, stream);
  });
  state.streams = table;
  return true;
}
