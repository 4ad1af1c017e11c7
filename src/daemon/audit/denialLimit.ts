/** How long further denials of a kind are only counted. */
const PAUSE_MS = 600_000;
/** How many different kinds are tracked at the same time. */
const MAX_KINDS = 1_000;
/** How many denials are recorded in an hour, whoever calls. */
const MAX_PER_HOUR = 100;
const HOUR_MS = 3_600_000;

interface Kind<Denial> {
  untilMs: number;
  omitted: number;
  last: Denial;
}

/**
 * Limits how many denials are recorded: anybody can cause them, and they must displace little of what was
 * done. The first of a kind is recorded at once, the others are counted: at the end of the pause there is one
 * record with their number.
 */
export class DenialLimit<Denial> {
  readonly #record: (denial: Denial, omitted: number) => void;
  readonly #kinds = new Map<string, Kind<Denial>>();
  /** Denials without room; recorded in the next hour. */
  #others: Kind<Denial> | undefined;
  #hourEndMs = 0;
  #inHour = 0;

  /** `record` receives a denial, and how many similar ones it stands for besides itself. */
  constructor(record: (denial: Denial, omitted: number) => void) {
    this.#record = record;
  }

  /** Notes a denial. Those with the same key are of one kind. */
  note(key: string, denial: Denial, nowMs = performance.now()): void {
    const known = this.#kinds.get(key);
    if (known !== undefined) {
      known.omitted += 1;
      known.last = denial;
    } else if (this.#kinds.size < MAX_KINDS && this.#hasRoom(nowMs)) {
      this.#kinds.set(key, { untilMs: nowMs + PAUSE_MS, omitted: 0, last: denial });
      this.#write(denial, 0);
    } else this.#addToOthers(denial, 1);
  }

  /** Records the numbers of those whose pause is over. */
  flush(nowMs = performance.now()): void {
    for (const [key, kind] of this.#kinds) {
      if (nowMs < kind.untilMs) continue;
      if (kind.omitted === 0) this.#kinds.delete(key);
      else if (this.#hasRoom(nowMs)) this.#writeKind(kind, nowMs + PAUSE_MS);
    }
    if (this.#others === undefined || nowMs < this.#others.untilMs || !this.#hasRoom(nowMs)) return;
    this.#writeKind(this.#others, 0);
    this.#others = undefined;
  }

  /** Records all numbers, those without room in one record. */
  close(nowMs = performance.now()): void {
    for (const kind of this.#kinds.values()) {
      if (kind.omitted === 0) continue;
      if (this.#hasRoom(nowMs)) this.#writeKind(kind, 0);
      else this.#addToOthers(kind.last, kind.omitted);
    }
    if (this.#others) this.#writeKind(this.#others, 0);
    this.#others = undefined;
    this.#kinds.clear();
  }

  #addToOthers(denial: Denial, count: number): void {
    this.#others ??= { untilMs: this.#hourEndMs, omitted: 0, last: denial };
    this.#others.omitted += count;
    this.#others.last = denial;
  }

  #hasRoom(nowMs: number): boolean {
    if (nowMs >= this.#hourEndMs) {
      this.#hourEndMs = nowMs + HOUR_MS;
      this.#inHour = 0;
    }
    return this.#inHour < MAX_PER_HOUR;
  }

  #writeKind(kind: Kind<Denial>, untilMs: number): void {
    // The record itself is one of those that were counted.
    this.#write(kind.last, kind.omitted - 1);
    kind.omitted = 0;
    kind.untilMs = untilMs;
  }

  #write(denial: Denial, omitted: number): void {
    this.#inHour += 1;
    this.#record(denial, omitted);
  }
}
