/** Items that came together: they are answered together. A promise for each would cost as much as all the rest of an operation. */
interface Group {
  readonly answers: unknown[];
  left: number;
  /** True once a step stopped because of what it did for this group. */
  isHeavy: boolean;
  resolve(answers: unknown[]): void;
}

/** An item, and where its answer goes. */
export interface Waiting<Item> {
  readonly item: Item;
  readonly group: Group;
  readonly place: number;
}

/** What a {@link ShardQueue} needs to know of its items. */
interface QueueOptions<Item> {
  /** How many items one step is given at most. */
  readonly maxItems: number;
  userOf(item: Item): string;
}

/**
 * The items that wait for a shard. When a step stops because of its work, what is left of the request that caused it moves from the
 * usual queue to that of heavy requests, and steps alternate between the two: a heavy request delays others by one step at a time.
 * All items of a user in the heavy queue came before all those in the usual queue, so that their order stays.
 */
export class ShardQueue<Item> {
  readonly #options: QueueOptions<Item>;
  #usual: Waiting<Item>[] = [];
  #heavy: Waiting<Item>[] = [];
  /** How many items each user has in the heavy queue. */
  readonly #heavyUsers = new Map<string, number>();
  #isHeavyStep = false;

  constructor(options: QueueOptions<Item>) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#usual.length === 0 && this.#heavy.length === 0;
  }

  /** Returns how many wait in the usual queue. */
  push(waiting: Waiting<Item>): number {
    return this.#usual.push(waiting);
  }

  /** The items of the next step: at least one, unless the queue is empty. */
  take(): Waiting<Item>[] {
    if (this.#heavy.length > 0) {
      const usual = this.#isHeavyStep ? this.#takeUsual() : [];
      this.#isHeavyStep = usual.length === 0;
      return this.#isHeavyStep ? this.#takeHeavy() : usual;
    }
    this.#isHeavyStep = false;
    const step = this.#usual;
    this.#usual = step.length > this.#options.maxItems ? step.splice(this.#options.maxItems) : [];
    return step;
  }

  /** Puts back what a step has left: `rest` stands for its last items, of which the first may be done in part. */
  putBack(step: Waiting<Item>[], rest: readonly Item[]): void {
    const done = step.length - rest.length;
    const first = step[done] as Waiting<Item>;
    // The step stopped because of the last item that it worked on.
    const cause = first.item === rest[0] && done > 0 ? (step[done - 1] as Waiting<Item>) : first;
    cause.group.isHeavy = true;
    const left = rest.map((item, i): Waiting<Item> => {
      const { group, place } = step[done + i] as Waiting<Item>;
      return { item, group, place };
    });
    if (this.#isHeavyStep) {
      this.#heavy = left.concat(this.#heavy);
      for (const each of left) this.#countHeavy(each, 1);
      return;
    }
    const usual: Waiting<Item>[] = [];
    this.#sort(left, usual, this.#options.userOf(cause.item));
    this.#usual = usual.concat(this.#usual);
  }

  #takeHeavy(): Waiting<Item>[] {
    const step = this.#heavy.splice(0, this.#options.maxItems);
    for (const each of step) this.#countHeavy(each, -1);
    return step;
  }

  #takeUsual(): Waiting<Item>[] {
    const step: Waiting<Item>[] = [];
    this.#usual.splice(0, this.#sort(this.#usual, step));
    return step;
  }

  /**
   * Moves items of heavy requests, and those of users who have items in the heavy queue, to that queue, and the others to `usual`, until
   * these are as many as a step takes. Returns how many it moved.
   */
  #sort(items: readonly Waiting<Item>[], usual: Waiting<Item>[], heavyUser?: string): number {
    const { maxItems, userOf } = this.#options;
    const usualUsers = new Set<string>();
    let moved = 0;
    for (const each of items) {
      if (usual.length === maxItems) break;
      const user = userOf(each.item);
      const isHeavy = each.group.isHeavy || user === heavyUser || this.#heavyUsers.has(user);
      if (isHeavy && !usualUsers.has(user)) {
        this.#heavy.push(each);
        this.#countHeavy(each, 1);
      } else {
        usualUsers.add(user);
        usual.push(each);
      }
      moved += 1;
    }
    return moved;
  }

  #countHeavy({ item }: Waiting<Item>, change: 1 | -1): void {
    const user = this.#options.userOf(item);
    const count = (this.#heavyUsers.get(user) ?? 0) + change;
    if (count > 0) this.#heavyUsers.set(user, count);
    else this.#heavyUsers.delete(user);
  }
}
