/** What to watch, and from where. */
export interface WatchTarget {
  /** Undefined if the watch is not of users. */
  userIds: Set<string> | undefined;
  /** Undefined if the watch is not of chat servers. */
  serverAddrs: Set<string> | undefined;
  initialState: boolean;
  /** Where to resume; "" starts now. */
  resumeRevision: string;
  /** Where to resume, by time; undefined to do as `resumeRevision` says. Milliseconds since 1970. */
  resumeTimeMs: number | undefined;
  coalesce: boolean;
}

/** How many users one watch may follow. */
export const MAX_WATCHED_USERS = 10_000;
