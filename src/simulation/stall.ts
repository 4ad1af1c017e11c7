/** Detects after a stop that calls in flight no longer get responses. */
export class StallDetector {
  /** Resolves once there was no response for `limitMs` after the stop. */
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

  /** Starts the timer. */
  start(): void {
    this.#timer ??= setTimeout(() => {
      this.#isStalled = true;
      this.#onStalled();
    }, this.#limitMs);
  }

  /** Records a response. */
  readonly progress = (): void => void this.#timer?.refresh();

  close(): void {
    clearTimeout(this.#timer);
  }
}
