/** An item with its due time. */
interface Entry<Item> {
  atMs: number;
  item: Item;
  /** Breaks ties: items with the same due time keep the order of insertion. */
  order: number;
}

/** A priority queue by due time: a binary heap. */
export class EventQueue<Item> {
  readonly #heap: Entry<Item>[] = [];
  #added = 0;

  add(atMs: number, item: Item): void {
    const heap = this.#heap;
    const entry = { atMs, item, order: this.#added++ };
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry<Item>)) break;
      heap[at] = heap[parent] as Entry<Item>;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Removes and returns the earliest item; undefined if empty. */
  take(): { atMs: number; item: Item } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    return first;
  }

  #sink(entry: Entry<Item>): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry<Item>, heap[child] as Entry<Item>)) {
        child += 1;
      }
      if (child >= heap.length || !isBefore(heap[child] as Entry<Item>, entry)) break;
      heap[at] = heap[child] as Entry<Item>;
      at = child;
    }
    heap[at] = entry;
  }
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
