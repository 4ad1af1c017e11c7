/** Carries out the items of one shard; resolves with an answer or the failure of each, in order. */
export type SendBatch<Item, Answer> = (shard: number, items: Item[]) => Promise<(Answer | Error)[]>;

interface Waiting<Item, Answer> {
  item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Gathers the calls of one turn of the event loop into one step of the store a shard: a script call or a
 * transaction costs many times what one more item in it costs. `maxItems` bounds the work of one step.
 */
export class Batcher<Item, Answer> {
  readonly #send: SendBatch<Item, Answer>;
  readonly #maxItems: number;
  readonly #waiting: Waiting<Item, Answer>[][];
  #scheduled = false;

  constructor(shards: number, maxItems: number, send: SendBatch<Item, Answer>) {
    this.#waiting = Array.from({ length: shards }, () => []);
    this.#maxItems = maxItems;
    this.#send = send;
  }

  /** Adds an item; resolves with its answer. Items of one shard are sent in the order in which they came. */
  add(shard: number, item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      (this.#waiting[shard] as Waiting<Item, Answer>[]).push({ item, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    this.#scheduled = false;
    for (let shard = 0; shard < this.#waiting.length; shard++) {
      const waiting = this.#waiting[shard] as Waiting<Item, Answer>[];
      if (waiting.length === 0) continue;
      this.#waiting[shard] = [];
      for (let at = 0; at < waiting.length; at += this.#maxItems) {
        this.#sendSlice(shard, waiting.slice(at, at + this.#maxItems));
      }
    }
  }

  #sendSlice(shard: number, slice: Waiting<Item, Answer>[]): void {
    const items = slice.map((waiting) => waiting.item);
    this.#send(shard, items).then(
      (answers) => {
        for (const [i, waiting] of slice.entries()) {
          const answer = answers[i] as Answer | Error;
          if (answer instanceof Error) waiting.reject(answer);
          else waiting.resolve(answer);
        }
      },
      (error) => {
        for (const waiting of slice) waiting.reject(error);
      },
    );
  }
}
