/**
 * Things that come and go, a place for each. Not a Set or a Map: the tables that these leave behind as they change keep what was in them, until V8's
 * collector has been through all of the memory.
 */
export class Slots<Thing> {
  readonly #things: (Thing | undefined)[] = [];
  readonly #free: number[] = [];

  at(place: number): Thing | undefined {
    return this.#things[place];
  }

  /** Returns the place, which is the thing's until it leaves. */
  take(thing: Thing): number {
    const place = this.#free.pop() ?? this.#things.length;
    this.#things[place] = thing;
    return place;
  }

  leave(place: number): void {
    this.#things[place] = undefined;
    this.#free.push(place);
  }

  /** What leaves or comes meanwhile may be missed. */
  forEach(look: (thing: Thing) => void): void {
    for (const thing of this.#things) if (thing !== undefined) look(thing);
  }
}
