/**
 * Items that arrived together and are answered together: a promise for each would cost as much as the whole
 * operation.
 */
export interface Group {
  readonly answers: unknown[];
  left: number;
  /**
   * Who requested them: the address of the other side of a connection, or another name. Undefined for the
   * daemon.
   */
  readonly peer: string | undefined;
  resolve(answers: unknown[]): void;
}

/** An item, and where its answer goes: which one of its group it is. */
export interface Waiting<Item> {
  readonly item: Item;
  readonly group: Group;
  readonly index: number;
}

/** What a {@link ShardQueue} needs to know of its items. */
interface QueueOptions<Item> {
  /** How many items one batch has at most. */
  readonly maxItems: number;
  userOf(item: Item): string;
}

/** Whoever takes turns. Items without a peer take turns as a group. */
type Party = string | Group;

/** In whose queue the items of a user wait, and how many. */
interface HeavyUser {
  readonly party: Party;
  count: number;
}

/**
 * The items that wait for a shard. When a batch stops because of its work, the party whose item caused that
 * becomes heavy: its waiting items move from the usual queue to a queue of their own. Heavy parties take
 * turns, and batches alternate between one of them and the usual queue, so a heavy party delays others by one
 * batch at a time. It stays heavy until none of its items waits at its turn.
 *
 * The items of a user are in at most one heavy queue, and arrived before all those of the user in the usual
 * queue: their order is kept.
 */
export class ShardQueue<Item> {
  readonly #options: QueueOptions<Item>;
  #usual: Waiting<Item>[] = [];
  /** In the order of their turns. */
  readonly #heavy = new Map<Party, Waiting<Item>[]>();
  readonly #heavyUsers = new Map<string, HeavyUser>();
  #heavyCount = 0;
  /** Whose items the last batch had; undefined if they were from the usual queue. */
  #batchParty: Party | undefined;

  constructor(options: QueueOptions<Item>) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#usual.length === 0 && this.#heavyCount === 0;
  }

  /** Returns how many items wait in the usual queue. */
  push(waiting: Waiting<Item>): number {
    return this.#usual.push(waiting);
  }

  /** The items of the next batch: at least one, unless the queue is empty. */
  take(): Waiting<Item>[] {
    if (this.#heavy.size > 0) {
      const usual = this.#batchParty ? this.#takeUsual() : [];
      this.#batchParty = undefined;
      if (usual.length > 0) return usual;
      const heavy = this.#takeHeavy();
      if (heavy.length > 0) return heavy;
    }
    this.#batchParty = undefined;
    const batch = this.#usual;
    this.#usual = batch.length > this.#options.maxItems ? batch.splice(this.#options.maxItems) : [];
    return batch;
  }

  /**
   * Puts back what a batch has left: `rest` stands for its last items, the first of which may be done in
   * part.
   */
  putBack(batch: Waiting<Item>[], rest: readonly Item[]): void {
    const done = batch.length - rest.length;
    const first = batch[done] as Waiting<Item>;
    // The batch stopped because of the last item that it worked on.
    const cause = first.item === rest[0] && done > 0 ? (batch[done - 1] as Waiting<Item>) : first;
    const heavyParty = partyOf(cause);
    if (!this.#heavy.has(heavyParty)) this.#heavy.set(heavyParty, []);
    const left = rest.map((item, i): Waiting<Item> => {
      const { group, index } = batch[done + i] as Waiting<Item>;
      return { item, group, index };
    });
    if (this.#batchParty) {
      this.#heavy.set(this.#batchParty, left.concat(this.#heavy.get(this.#batchParty) ?? []));
      for (const each of left) this.#countHeavy(each, this.#batchParty, 1);
      return;
    }
    const usual: Waiting<Item>[] = [];
    this.#sort(left, usual, { user: this.#options.userOf(cause.item), party: heavyParty });
    this.#usual = usual.concat(this.#usual);
  }

  /** The items of the heavy party whose turn it is; the next turn belongs to the next party. */
  #takeHeavy(): Waiting<Item>[] {
    for (const [party, queue] of this.#heavy) {
      this.#heavy.delete(party);
      if (queue.length === 0) continue;
      const batch = queue.splice(0, this.#options.maxItems);
      for (const each of batch) this.#countHeavy(each, party, -1);
      this.#heavy.set(party, queue);
      this.#batchParty = party;
      return batch;
    }
    return [];
  }

  #takeUsual(): Waiting<Item>[] {
    const batch: Waiting<Item>[] = [];
    this.#usual.splice(0, this.#sort(this.#usual, batch));
    return batch;
  }

  /**
   * Moves items of heavy parties, and those of users with items in a heavy queue, to that queue, and the
   * others to `usual`, until these fill a batch. Items of the `cause` of a stopped batch are heavy too.
   * Returns how many it moved.
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
