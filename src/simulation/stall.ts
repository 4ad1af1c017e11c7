/** Notices that work which was begun before a stop does not go on: nobody answers any more. */
export class StallDetector {
  /** Resolves once nothing was answered for `limitMs` after the stop. */
  readonly stalled: Promise<void>;
  readonly #limitMs: number;
  #onStalled = () => {};
  #timer: NodeJS.Timeout | undefined;
  #isStalled = false;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    this.stalled = new Promise((resolve) => {
      this.#onStalled = resolve;
    });
  }

  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** From now on the time counts. */
  start(): void {
    this.#timer ??= setTimeout(() => {
      this.#isStalled = true;
      this.#onStalled();
    }, this.#limitMs);
  }

  /** Something was answered. */
  readonly progress = (): void => void this.#timer?.refresh();

  close(): void {
    clearTimeout(this.#timer);
  }
}
