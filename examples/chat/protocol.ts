/** What a client says once it was welcomed: each message is JSON. */
export type FromClient =
  | { type: 'send'; id: string; to: string; text: string }
  /** From now on these are its contacts, and it is told who of them is online. */
  | { type: 'follow'; userIds: string[] };

/** What a client is told. */
export type ToClient =
  | { type: 'welcome'; server: string }
  | { type: 'message'; from: string; text: string }
  /** How many devices took the message `id`; a reason if none did. */
  | { type: 'sent'; id: string; devices: number; reason?: string }
  | { type: 'presence'; userId: string; online: boolean };

/** Why a connection was closed. */
export const CLOSE = {
  /** The client wants to be logged out. */
  bye: 1000,
  badRequest: 1008,
  /** The instance stops: connect to another. */
  restart: 1012,
  tryLater: 1013,
  /** The session is over, by another login or an eviction: do not connect again by yourself. */
  ended: 4001,
} as const;

/** As many users as one may follow. */
const MAX_CONTACTS = 1_000;

/** Reads what a client says; undefined if it breaks a rule. */
export function readFromClient(text: string): FromClient | undefined {
  const said = parse(text) as Record<string, unknown> | null | undefined;
  if (said?.type === 'send' && isText(said.id) && isId(said.to) && isText(said.text)) {
    return { type: 'send', id: said.id, to: said.to, text: said.text };
  }
  const userIds = said?.type === 'follow' ? said.userIds : undefined;
  if (!Array.isArray(userIds) || userIds.length > MAX_CONTACTS || !userIds.every(isId)) return undefined;
  return { type: 'follow', userIds };
}

/** The ids that imstate takes: one bad id would end the watch that all connections share. */
export function isId(id: unknown): id is string {
  return isText(id) && id !== '' && Buffer.byteLength(id) <= 256 && !/\p{Cc}/u.test(id);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** The JSON of a text; undefined if it is none. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
