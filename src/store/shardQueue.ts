/** Items that came together: they are answered together. A promise for each would cost as much as all the rest of an operation. */
interface Group {
  readonly answers: unknown[];
  left: number;
  /** Who asked for them: the address of the other side of a connection, or another name. Undefined for the daemon itself. */
  readonly peer: string | undefined;
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

/** Whoever takes turns. Items that no peer has asked for take turns by themselves. */
type Party = string | Group;

/** In whose queue the items of a user wait, and how many. */
interface HeavyUser {
  readonly party: Party;
  count: number;
}

/**
 * The items that wait for a shard. When a step stops because of its work, the party whose item caused it becomes heavy: what it has
 * waiting moves from the usual queue to a queue of its own. Heavy parties take turns, and steps alternate between one of them and the
 * usual queue: whatever one asks for delays others by one step at a time. It is heavy until nothing of it waits at its turn.
 *
 * The items of a user are in one heavy queue at most, and came before all those of the user in the usual queue: their order stays.
 */
export class ShardQueue<Item> {
  readonly #options: QueueOptions<Item>;
  #usual: Waiting<Item>[] = [];
  /** In the order of their turns. */
  readonly #heavy = new Map<Party, Waiting<Item>[]>();
  readonly #heavyUsers = new Map<string, HeavyUser>();
  #heavyCount = 0;
  /** Whose items the last step was given; undefined if they were from the usual queue. */
  #stepParty: Party | undefined;

  constructor(options: QueueOptions<Item>) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#usual.length === 0 && this.#heavyCount === 0;
  }

  /** Returns how many wait in the usual queue. */
  push(waiting: Waiting<Item>): number {
    return this.#usual.push(waiting);
  }

  /** The items of the next step: at least one, unless the queue is empty. */
  take(): Waiting<Item>[] {
    if (this.#heavy.size > 0) {
      const usual = this.#stepParty ? this.#takeUsual() : [];
      this.#stepParty = undefined;
      if (usual.length > 0) return usual;
      const heavy = this.#takeHeavy();
      if (heavy.length > 0) return heavy;
    }
    this.#stepParty = undefined;
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
    const heavyParty = partyOf(cause);
    if (!this.#heavy.has(heavyParty)) this.#heavy.set(heavyParty, []);
    const left = rest.map((item, i): Waiting<Item> => {
      const { group, place } = step[done + i] as Waiting<Item>;
      return { item, group, place };
    });
    if (this.#stepParty) {
      this.#heavy.set(this.#stepParty, left.concat(this.#heavy.get(this.#stepParty) ?? []));
      for (const each of left) this.#countHeavy(each, this.#stepParty, 1);
      return;
    }
    const usual: Waiting<Item>[] = [];
    this.#sort(left, usual, { user: this.#options.userOf(cause.item), party: heavyParty });
    this.#usual = usual.concat(this.#usual);
  }

  /** The items of the heavy party whose turn it is; the next turn is the next one's. */
  #takeHeavy(): Waiting<Item>[] {
    for (const [party, queue] of this.#heavy) {
      this.#heavy.delete(party);
      if (queue.length === 0) continue;
      const step = queue.splice(0, this.#options.maxItems);
      for (const each of step) this.#countHeavy(each, party, -1);
      this.#heavy.set(party, queue);
      this.#stepParty = party;
      return step;
    }
    return [];
  }

  #takeUsual(): Waiting<Item>[] {
    const step: Waiting<Item>[] = [];
    this.#usual.splice(0, this.#sort(this.#usual, step));
    return step;
  }

  /**
   * Moves items of heavy parties, and those of users who have items in a heavy queue, to that queue, and the others to `usual`, until
   * these are as many as a step takes. Items of the `cause` of a stopped step are heavy as well. Returns how many it moved.
   */
  #sort(
    items: readonly Waiting<Item>[],
    usual: Waiting<Item>[],
    cause?: { user: string; party: Party },
  ): number {
    const { maxItems, userOf } = this.#options;
    const usualUsers = new Set<string>();
    let moved = 0;
    for (const each of items) {
      if (usual.length === maxItems) break;
      const user = userOf(each.item);
      const party = this.#heavyUsers.get(user)?.party ?? (user === cause?.user ? cause.party : partyOf(each));
      const queue = usualUsers.has(user) ? undefined : this.#heavy.get(party);
      if (queue) {
        queue.push(each);
        this.#countHeavy(each, party, 1);
      } else {
        usualUsers.add(user);
        usual.push(each);
      }
      moved += 1;
    }
    return moved;
  }

  #countHeavy({ item }: Waiting<Item>, party: Party, change: 1 | -1): void {
    this.#heavyCount += change;
    const user = this.#options.userOf(item);
    const heavyUser = this.#heavyUsers.get(user) ?? { party, count: 0 };
    heavyUser.count += change;
    if (heavyUser.count > 0) this.#heavyUsers.set(user, heavyUser);
    else this.#heavyUsers.delete(user);
  }
}

function partyOf<Item>({ group }: Waiting<Item>): Party {
  return group.peer ?? group;
}
