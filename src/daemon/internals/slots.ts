/**
 * Things that come and go, each in a numbered slot. Not a Set or a Map: when V8 rehashes those, the old table
 * keeps its entries until the next full garbage collection.
 */
export class Slots<Thing> {
  readonly #things: (Thing | undefined)[] = [];
  readonly #free: number[] = [];

  at(slot: number): Thing | undefined {
    return this.#things[slot];
  }

  /** Returns the slot of the thing, which it has until it leaves. */
  take(thing: Thing): number {
    const slot = this.#free.pop() ?? this.#things.length;
    this.#things[slot] = thing;
    return slot;
  }

  /** Replaces the thing in a slot. */
  replace(slot: number, thing: Thing): void {
    this.#things[slot] = thing;
  }

  leave(slot: number): void {
    this.#things[slot] = undefined;
    this.#free.push(slot);
  }

  /** May miss things that are added or removed meanwhile. */
  forEach(visit: (thing: Thing) => void): void {
    for (const thing of this.#things) if (thing !== undefined) visit(thing);
  }
}
