import type { Change, WatchEvent } from '../../packages/client/src/index.ts';
import { until } from './until.ts';

/** Iterates a watch, and collects its events. */
export class Delivered {
  readonly events: WatchEvent[] = [];
  /** Resolves at the end of the iteration, with the error if it failed. */
  readonly ended: Promise<unknown>;

  constructor(watch: AsyncIterable<WatchEvent>) {
    this.ended = this.#follow(watch).catch((error: unknown) => error);
  }

  /** The events except `progress`. */
  get withoutProgress(): WatchEvent[] {
    return this.events.filter(({ type }) => type !== 'progress');
  }

  of<Type extends WatchEvent['type']>(type: Type): Extract<WatchEvent, { type: Type }>[] {
    return this.events.filter((event) => event.type === type) as Extract<WatchEvent, { type: Type }>[];
  }

  /** The changes of a user, in order: the session, or "-" for a logout. */
  sessionsOf(userId: string): string[] {
    const ofUser = (this.of('change') as Change[]).filter((change) => change.userId === userId);
    return ofUser.map(({ session }) => session?.sessionId ?? '-');
  }

  /** Waits for a number of events of a type. */
  async has(count: number, type: WatchEvent['type']): Promise<void> {
    const isThere = () => this.of(type).length >= count;
    await until(isThere, `${count} events of type ${type} arrived`);
  }

  async #follow(watch: AsyncIterable<WatchEvent>): Promise<void> {
    for await (const event of watch) this.events.push(event);
  }
}
