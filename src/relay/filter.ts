import type { Change } from 'imstate-client';
import type { EventType } from './eventTypes.js';
import type { RelayEvent } from './target.js';

/** Which events a relay delivers. Undefined for all. */
export interface RelayFilter {
  /** Of users whose IDs begin so. */
  userPrefix: string | undefined;
  /** Of sessions of these chat servers. */
  servers: string[] | undefined;
  /** Of these types. Snapshots are delivered in any case: they take the place of changes that are gone. */
  types: ReadonlySet<EventType> | undefined;
}

/** Whether events of the user are delivered. */
export function includesUser({ userPrefix = '' }: RelayFilter, { userId }: Pick<Change, 'userId'>): boolean {
  return userId.startsWith(userPrefix);
}

/** Those events of a change that are delivered. */
export function ofTypes({ types }: RelayFilter, events: RelayEvent[]): RelayEvent[] {
  return types === undefined ? events : events.filter(({ type }) => types.has(type as EventType));
}
