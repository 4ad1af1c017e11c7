/** Whether a daemon is to be given calls: from when it is registered until it stops, while its store answers. */
export class Readiness {
  #phase: 'starting' | 'serving' | 'stopping' = 'starting';
  #storeAnswers = false;

  /** Why the daemon is to be given no calls; undefined if it is. */
  get whyNot(): string | undefined {
    if (this.#phase !== 'serving') return `the daemon is ${this.#phase}`;
    return this.#storeAnswers ? undefined : 'the store does not answer';
  }

  /** Whether the store is open and answers. */
  get hasStore(): boolean {
    return this.#storeAnswers;
  }

  /** The daemon is registered. */
  begin(): void {
    this.#phase = 'serving';
  }

  /** The daemon leaves the registry. */
  end(): void {
    this.#phase = 'stopping';
  }

  /** Whether the store answers. */
  storeAnswers(answers: boolean): void {
    this.#storeAnswers = answers;
  }
}
