/** Messages of a client, in JSON, after it has received `welcome`. */
export type FromClient =
  | { type: 'send'; id: string; to: string; text: string }
  /** Sets the contacts, whose presence the client then receives. */
  | { type: 'follow'; userIds: string[] };

/** Messages to a client, in JSON. */
export type ToClient =
  | { type: 'welcome'; server: string }
  | { type: 'message'; from: string; text: string }
  /** How many devices received the message `id`; with a reason if none did. */
  | { type: 'sent'; id: string; devices: number; reason?: string }
  | { type: 'presence'; userId: string; online: boolean };

/** Close codes of connections. */
export const CLOSE = {
  /** The client logs out. */
  bye: 1000,
  badRequest: 1008,
  /** The instance stops: connect to another one. */
  restart: 1012,
  tryLater: 1013,
  /**
   * Another login or an eviction ended the session, or a session policy rejected it: do not reconnect
   * automatically.
   */
  ended: 4001,
} as const;

/** Maximum number of contacts. */
const MAX_CONTACTS = 1_000;

/** Parses and validates a message of a client; undefined if it is invalid. */
export function readFromClient(text: string): FromClient | undefined {
  const message = parse(text) as Record<string, unknown> | null | undefined;
  if (message?.type === 'send' && isText(message.id) && isId(message.to) && isText(message.text)) {
    return { type: 'send', id: message.id, to: message.to, text: message.text };
  }
  const userIds = message?.type === 'follow' ? message.userIds : undefined;
  if (!Array.isArray(userIds) || userIds.length > MAX_CONTACTS || !userIds.every(isId)) return undefined;
  return { type: 'follow', userIds };
}

/** Whether imstate accepts the ID: an invalid one would end the watch that all connections share. */
export function isId(id: unknown): id is string {
  return isText(id) && id !== '' && Buffer.byteLength(id) <= 256 && !/\p{Cc}/u.test(id);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Parses JSON; undefined if it is invalid. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
