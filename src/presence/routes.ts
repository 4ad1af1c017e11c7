import type { Session } from './sessions.js';

/** A user whose sessions were read; undefined where the store did not respond. */
export interface RoutedUser {
  userId: string;
  /** Newest login first. */
  sessions: readonly Session[] | undefined;
}

/** A session to which a chat server delivers. */
export interface RoutedSession {
  userId: string;
  session: Session;
}

/** Where to deliver messages for several users. */
export interface Routes {
  /** What each chat server delivers: by user, in the given order, newest login first. */
  byServer: ReadonlyMap<string, readonly RoutedSession[]>;
  /** Users without a session online, in the given order. */
  offline: readonly string[];
  /** Users of whom it is not known, in the given order. */
  unavailable: readonly string[];
}

/** Groups the sessions of users that are online by chat server. */
export function routesOf(users: readonly RoutedUser[]): Routes {
  const byServer = new Map<string, RoutedSession[]>();
  const offline: string[] = [];
  const unavailable: string[] = [];
  for (const { userId, sessions } of users) {
    if (sessions === undefined) {
      unavailable.push(userId);
      continue;
    }
    let isOnline = false;
    for (const session of sessions) {
      if (!session.online) continue;
      isOnline = true;
      const routed = byServer.get(session.serverAddr);
      if (routed) routed.push({ userId, session });
      else byServer.set(session.serverAddr, [{ userId, session }]);
    }
    if (!isOnline) offline.push(userId);
  }
  return { byServer, offline, unavailable };
}
