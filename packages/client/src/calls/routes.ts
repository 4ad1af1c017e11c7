/** A session to which a chat server delivers. */
export interface RoutedSession {
  /** The user. */
  userId: string;
  /** Unique for the user. */
  deviceId: string;
  /** By which the chat server knows the connection. */
  sessionId: string;
  /** Such as `ios` or `web`; undefined if the login named none. */
  platform: string | undefined;
  /** The device has disconnected and is in its grace: keep the message until it is back or offline. */
  inGrace: boolean;
}

/** What one chat server has to deliver. */
export interface ServerRoute {
  /** The chat server, `host:port`. */
  serverAddr: string;
  /** The chat server drains, and has still to close some of these sessions. False if all are in their grace. */
  draining: boolean;
  /** By user, in the order of the call, newest login first. */
  sessions: RoutedSession[];
}

/** Where to deliver messages for several users. */
export interface RouteResult {
  /** The chat servers at which sessions of the users are online, by address. */
  servers: ServerRoute[];
  /** The users without a session online, in the order of the call. */
  offline: string[];
  /**
   * The users whose part of the store did not respond, in the order of the call: it is not known whether they
   * are online. Call again for them, or handle them as offline. Usually empty.
   */
  unavailable: string[];
}
