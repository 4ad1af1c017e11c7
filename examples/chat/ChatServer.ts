import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Client, type ConnectOptions, connect, type ImstateError, type ServerSessions } from 'imstate';
import { type WebSocket, WebSocketServer } from 'ws';
import { Contacts } from './contacts.ts';
import { type Delivery, HopServer, handOver } from './hop.ts';
import { CLOSE, type FromClient, isId, readFromClient, type ToClient } from './protocol.ts';

interface ChatServerOptions {
  /** Where to listen, and where other instances reach this one. */
  host: string;
  /** Port for clients; 0 picks a free one. */
  port: number;
  /** Port for other instances; 0 picks a free one. A port that stays lets a restart end what the run before left behind. */
  hopPort: number;
  /** Where the daemons of imstate are. */
  imstate: ConnectOptions;
  /** How long its users outlive this process if it is killed. Milliseconds. */
  leaseTtlMs: number;
}

interface Session {
  userId: string;
  deviceId: string;
  sessionId: string;
}

/** A connection that broke may come back within this time, and its user's contacts see nothing. */
const GRACE_MS = 5_000;
/** How often connections are asked whether they live. */
const PING_MS = 30_000;
const MAX_BYTES = 64 * 1_024;

/** One instance of the chat server: it holds connections, and imstate knows which ones. */
export class ChatServer {
  readonly #client: Client;
  readonly #hop: HopServer;
  readonly #server: WebSocketServer;
  readonly #sessions: ServerSessions;
  readonly #contacts: Contacts;
  readonly #pings: NodeJS.Timeout;
  /** The connections that are logged in or about to be, by the ids of their sessions. */
  readonly #sockets = new Map<string, WebSocket>();
  /** Those whose answer to a ping is due. */
  readonly #silent = new WeakSet<WebSocket>();

  /** Resolves once clients may connect. */
  static async start(options: ChatServerOptions): Promise<ChatServer> {
    const { host, port, hopPort, imstate } = options;
    const client = await connect(imstate);
    let chat: ChatServer | undefined;
    const hop = await HopServer.listen(host, hopPort, (delivery) => chat?.deliver(delivery) ?? 0);
    const server = new WebSocketServer({ host, port, maxPayload: MAX_BYTES });
    chat = new ChatServer(client, hop, server, options.leaseTtlMs);
    try {
      await Promise.all([once(server, 'listening'), chat.#sessions.ready]);
      return chat;
    } catch (error) {
      await chat.stop();
      throw error;
    }
  }

  private constructor(client: Client, hop: HopServer, server: WebSocketServer, leaseTtlMs: number) {
    this.#client = client;
    this.#hop = hop;
    this.#server = server;
    this.#contacts = new Contacts(client);
    this.#sessions = client.server({
      addr: hop.addr,
      leaseTtlMs,
      // Logged in elsewhere, or evicted: this is where the old connection is closed.
      onEnded: ({ sessionId, reason }) => this.#end(sessionId, reason ?? 'over'),
      onDisconnected: ({ message }) => console.warn(`no daemon of imstate answers: ${message}`),
      onReconnected: () => console.warn('a daemon of imstate answers again'),
    });
    server.on('connection', (socket, request) => void this.#accept(socket, request));
    this.#pings = setInterval(() => this.#ping(), PING_MS);
  }

  /** The address for clients. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `ws://${address}:${port}`;
  }

  /** The address by which imstate and other instances know it. */
  get addr(): string {
    return this.#hop.addr;
  }

  /** Resolves if another process has taken over this address: stop then. */
  get lost(): Promise<ImstateError> {
    return this.#sessions.lost;
  }

  /** Sends a message to the connections of these sessions; how many there are. */
  deliver({ sessionIds, from, text }: Delivery): number {
    const sockets = sessionIds.flatMap((sessionId) => this.#sockets.get(sessionId) ?? []);
    for (const socket of sockets) tell(socket, { type: 'message', from, text });
    return sockets.length;
  }

  /** Sends its clients to other instances, and logs them out with grace: who is quick never seems to have been away. */
  async stop(): Promise<void> {
    clearInterval(this.#pings);
    this.#server.close();
    for (const socket of this.#sockets.values()) socket.close(CLOSE.restart, 'this instance stops');
    this.#sockets.clear();
    await Promise.all([...this.#sessions].map((session) => this.#logout(session, GRACE_MS)));
    for (const socket of this.#server.clients) socket.terminate();
    this.#contacts.close();
    this.#sessions.close();
    this.#hop.close();
    await this.#client.close();
  }

  async #accept(socket: WebSocket, request: IncomingMessage): Promise<void> {
    socket.on('error', () => {}).on('pong', () => this.#silent.delete(socket));
    // Check who it is here: this example believes what the URL says.
    const query = new URLSearchParams(request.url?.split('?')[1]);
    const [userId, deviceId] = [query.get('user'), query.get('device')];
    if (!isId(userId) || !isId(deviceId)) {
      return socket.close(CLOSE.badRequest, 'connect to /?user=ID&device=ID');
    }
    const session = { userId, deviceId, sessionId: randomUUID() };
    // Before the login: as soon as imstate knows of it, messages may come.
    this.#sockets.set(session.sessionId, socket);
    socket.once('close', (code) => this.#closed(session, code));
    try {
      const { endReason } = await this.#sessions.online(session);
      if (endReason) return this.#end(session.sessionId, endReason);
    } catch (error) {
      console.warn(`${userId}/${deviceId} could not be logged in: ${(error as Error).message}`);
      this.#sockets.delete(session.sessionId);
      return socket.close(CLOSE.tryLater, 'try again in a while');
    }
    this.#listen(socket, userId);
    tell(socket, { type: 'welcome', server: this.addr });
  }

  #listen(socket: WebSocket, userId: string): void {
    let unfollow = () => {};
    socket.once('close', () => unfollow());
    socket.on('message', (data) => {
      const said = readFromClient(data.toString());
      if (said === undefined) return socket.close(CLOSE.badRequest, 'not understood');
      if (said.type === 'send') return void this.#send(socket, userId, said);
      unfollow();
      unfollow = () => {};
      try {
        unfollow = this.#contacts.follow(said.userIds, (contact, online) =>
          tell(socket, { type: 'presence', userId: contact, online }),
        );
      } catch (error) {
        socket.close(CLOSE.tryLater, (error as Error).message.slice(0, 100));
      }
    });
  }

  async #send(
    socket: WebSocket,
    from: string,
    { id, to, text }: FromClient & { type: 'send' },
  ): Promise<void> {
    const sent = await this.#route({ from, text }, to).catch((error: Error) => ({
      devices: 0,
      reason: `it is not known whether ${to} is online: ${error.message}`,
    }));
    tell(socket, { type: 'sent', id, ...sent });
  }

  /** Finds the user's devices by imstate, and hands the message to each instance that holds some. */
  async #route(
    message: { from: string; text: string },
    to: string,
  ): Promise<{ devices: number; reason?: string }> {
    const { devices } = await this.#client.getUser({ userId: to });
    const online = devices.filter((device) => device.online);
    if (online.length === 0) return { devices: 0, reason: `${to} is offline` };
    const addrs = [...new Set(online.map(({ serverAddr }) => serverAddr))];
    const taken = await Promise.all(
      addrs.map((addr) => {
        const there = online.filter(({ serverAddr }) => serverAddr === addr);
        return this.#handTo(addr, {
          ...message,
          sessionIds: there.flatMap(({ sessionId }) => sessionId ?? []),
        });
      }),
    );
    const sum = taken.reduce((a, b) => a + b);
    return sum > 0 ? { devices: sum } : { devices: 0, reason: `${to} cannot be reached just now` };
  }

  async #handTo(addr: string, delivery: Delivery): Promise<number> {
    if (addr === this.addr) return this.deliver(delivery);
    try {
      return await handOver(addr, delivery);
    } catch (error) {
      // It may have died: imstate says so when its lease has run out.
      console.warn(`a message to ${addr} was lost: ${(error as Error).message}`);
      return 0;
    }
  }

  /** A connection is gone. Who said goodbye is offline at once; who lost the connection may come back. */
  #closed(session: Session, code: number): void {
    if (this.#sockets.delete(session.sessionId))
      void this.#logout(session, code === CLOSE.bye ? 0 : GRACE_MS);
  }

  async #logout(session: Session, graceMs: number): Promise<void> {
    await this.#sessions.offline(session, { graceMs }).catch((error: Error) => {
      console.warn(`the logout of ${session.userId}/${session.deviceId} is made later: ${error.message}`);
    });
  }

  #end(sessionId: string, reason: string): void {
    const socket = this.#sockets.get(sessionId);
    this.#sockets.delete(sessionId);
    socket?.close(CLOSE.ended, reason);
  }

  /** Cuts connections that have not answered the last ping: their peers are gone and never said so. */
  #ping(): void {
    for (const socket of this.#server.clients) {
      if (this.#silent.has(socket)) socket.terminate();
      this.#silent.add(socket);
      socket.ping();
    }
  }
}

function tell(socket: WebSocket, message: ToClient): void {
  socket.send(JSON.stringify(message), () => {});
}
