import type { Change, WatchEvent } from '../../packages/client/src/index.ts';
import { until } from './until.ts';

/** Iterates a watch, and keeps what it tells. */
export class Told {
  readonly events: WatchEvent[] = [];
  /** Resolves when the iteration is over, with the error if it has failed. */
  readonly ended: Promise<unknown>;

  constructor(watch: AsyncIterable<WatchEvent>) {
    this.ended = this.#follow(watch).catch((error: unknown) => error);
  }

  /** The events, without the marks of progress. */
  get news(): WatchEvent[] {
    return this.events.filter(({ type }) => type !== 'progress');
  }

  of<Type extends WatchEvent['type']>(type: Type): Extract<WatchEvent, { type: Type }>[] {
    return this.events.filter((event) => event.type === type) as Extract<WatchEvent, { type: Type }>[];
  }

  /** What happened to a device, in order: its sessions, and "-" for a logout. */
  sessionsOf(userId: string): string[] {
    const ofUser = (this.of('change') as Change[]).filter((change) => change.userId === userId);
    return ofUser.map(({ session }) => session?.sessionId ?? '-');
  }

  /** Waits until it has told so many events of a type. */
  async has(count: number, type: WatchEvent['type']): Promise<void> {
    const isThere = () => this.of(type).length >= count;
    await until(isThere, `${count} events of type ${type} were told`);
  }

  async #follow(watch: AsyncIterable<WatchEvent>): Promise<void> {
    for await (const event of watch) this.events.push(event);
  }
}
