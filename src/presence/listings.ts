import type { ChatServer } from './servers.js';
import type { UserSession } from './sessions.js';

/** What a query over all shards returns, without the shards that do not answer. */
export interface Coverage {
  /** True if shards did not answer: what they hold is missing. */
  isPartial: boolean;
}

/** What is online. */
export interface Stats extends Coverage {
  users: number;
  devices: number;
  /**
   * Devices by platform, "" for those without; "other" has those of platforms that have no count of their
   * own. See stats.ts.
   */
  byPlatform: Map<string, number>;
  /** Devices by chat server: of those that have most. */
  byServer: Map<string, number>;
  /** Devices of the chat servers that are not in `byServer`. */
  devicesOnOtherServers: number;
}

/** A page of sessions. */
export interface SessionsPage extends Coverage {
  sessions: UserSession[];
  /** Where the next page begins; undefined on the last. */
  next: string | undefined;
}

/** A page of the sessions that pass a filter. */
export interface FoundSessions extends SessionsPage {
  /** How many sessions were compared with the filter; without a filter, how many the page lists. */
  scanned: number;
}

/** Which sessions to find; what is undefined lets every session pass. */
export interface SessionFilter {
  /** The beginning of the user ID. */
  userIdPrefix: string | undefined;
  deviceId: string | undefined;
  sessionId: string | undefined;
}

/** A page of chat servers. */
export interface ServersPage extends Coverage {
  servers: ChatServer[];
  /** Where the next page begins; undefined on the last. */
  next: string | undefined;
}

/** Which page of sessions to list. */
export interface SessionPage {
  /** Only those of this chat server. */
  serverAddr: string | undefined;
  /** Maximum number. */
  limit: number;
  /** `next` of the page before; undefined for the first. */
  after: string | undefined;
}

/** Which page of chat servers to list. */
export interface ServerPage {
  /** Maximum number. */
  limit: number;
  /** `next` of the page before; undefined for the first. */
  after: string | undefined;
}
