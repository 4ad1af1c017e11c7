/** The types of events, by what they are about. */
export const EVENT_TYPES = {
  sessionStarted: 'presence.session.started',
  sessionEnded: 'presence.session.ended',
  sessionMoved: 'presence.session.moved',
  userOnline: 'presence.user.online',
  userOffline: 'presence.user.offline',
  snapshotBegun: 'presence.snapshot.begun',
  snapshot: 'presence.snapshot',
  snapshotEnded: 'presence.snapshot.ended',
} as const;

export type EventType = (typeof EVENT_TYPES)[keyof typeof EVENT_TYPES];
