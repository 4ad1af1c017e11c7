/** How many changes are remembered. */
const MAX_REMEMBERED = 256;

/** The latest changes that were delivered, so that none is delivered twice. */
export class DeliveredChanges {
  readonly #revisions = new Set<string>();

  /** Adds a change by its revision; false if it was delivered before. */
  add(revision: string): boolean {
    if (this.#revisions.has(revision)) return false;
    this.#revisions.add(revision);
    const [oldest] = this.#revisions.size > MAX_REMEMBERED ? this.#revisions : [];
    if (oldest !== undefined) this.#revisions.delete(oldest);
    return true;
  }
}
