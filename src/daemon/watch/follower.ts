import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { ChangeLogEntry } from '../../store/changeLog.js';
import type { PublishedChange } from './publishedChange.js';

/** Who follows the change log through a hub. */
export interface Follower {
  /** The users it wants to hear of; undefined for all. */
  readonly userIds: ReadonlySet<string> | undefined;
  /** The chat servers of whose sessions it wants to hear; undefined for all. */
  readonly serverAddrs: ReadonlySet<string> | undefined;
  /** How many changes wait until its caller reads, if any do. */
  readonly waiting?: number;
  /** A change that concerns it. `publish` makes, once for all who call it, what they send. */
  deliver(shard: number, entry: ChangeLogEntry, publish: () => PublishedChange): void;
  /** The hub has looked: all that has happened was delivered. */
  tick(): void;
  /** What the hub knows of it has changed: see {@link WatchHub.laggingSinceMs}. */
  lagChanged?(): void;
  /** The hub cannot go on for it. */
  fail(error: ImstateError): void;
}

/** Whether a change concerns a follower. */
export function concerns({ userIds, serverAddrs }: Follower, { change }: ChangeLogEntry): boolean {
  if (userIds) return userIds.has(change.userId);
  if (serverAddrs === undefined) return true;
  const { began, ended } = change;
  return (
    (began && serverAddrs.has(began.serverAddr)) || (ended && serverAddrs.has(ended.serverAddr)) || false
  );
}
