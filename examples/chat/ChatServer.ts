import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Client,
  type ConnectOptions,
  connect,
  type ImstateError,
  type ServerSessions,
} from 'imstate-client';
import { type WebSocket, WebSocketServer } from 'ws';
import { Contacts } from './contacts.ts';
import { type Delivery, HopServer, sendToInstance } from './hop.ts';
import { CLOSE, type FromClient, isId, readFromClient, type ToClient } from './protocol.ts';

interface ChatServerOptions {
  /** Address to listen on, and by which other instances reach this one. */
  host: string;
  /** Port for clients; 0 picks a free one. */
  port: number;
  /**
   * Port for other instances; 0 picks a free one. With a fixed port, a restart ends the sessions of the
   * previous run.
   */
  hopPort: number;
  /** How to find the daemons of imstate. */
  imstate: ConnectOptions;
  /** How long users stay online after this process is killed. Milliseconds. */
  leaseTtlMs: number;
}

interface Session {
  userId: string;
  deviceId: string;
  sessionId: string;
}

/** If a lost connection returns within this time, the contacts of its user do not notice. */
const GRACE_MS = 5_000;
/** Interval of pings on connections. */
const PING_MS = 30_000;
const MAX_BYTES = 64 * 1_024;

/** One instance of the chat server: it holds connections, and reports them to imstate. */
export class ChatServer {
  readonly #client: Client;
  readonly #hop: HopServer;
  readonly #server: WebSocketServer;
  readonly #sessions: ServerSessions;
  readonly #contacts: Contacts;
  readonly #pings: NodeJS.Timeout;
  /** The connections that are logged in or logging in, by session ID. */
  readonly #sockets = new Map<string, WebSocket>();
  /** The connections that have not answered the last ping. */
  readonly #silent = new WeakSet<WebSocket>();

  /** Resolves when clients can connect. */
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
      // Logged in elsewhere, or evicted: close the old connection.
      onEnded: ({ sessionId, reason }) => this.#end(sessionId, reason ?? 'ended'),
      // The instance is about to stop (imstate drain): send the client to another one.
      onDrain: ({ sessionId }) =>
        this.#sockets.get(sessionId)?.close(CLOSE.restart, 'this instance restarts'),
      onDisconnected: ({ message }) => console.warn(`no imstate daemon responds: ${message}`),
      onReconnected: () => console.warn('an imstate daemon responds again'),
    });
    server.on('connection', (socket, request) => void this.#accept(socket, request));
    this.#pings = setInterval(() => this.#ping(), PING_MS);
  }

  /** The address for clients. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `ws://${address}:${port}`;
  }

  /** The address by which imstate and other instances know this one. */
  get addr(): string {
    return this.#hop.addr;
  }

  /** Resolves if another process has taken over this address: the instance must then stop. */
  get lost(): Promise<ImstateError> {
    return this.#sessions.lost;
  }

  /** Sends a message to the connections of these sessions, and returns how many there are. */
  deliver({ sessionIds, from, text }: Delivery): number {
    const sockets = sessionIds.flatMap((sessionId) => this.#sockets.get(sessionId) ?? []);
    for (const socket of sockets) send(socket, { type: 'message', from, text });
    return sockets.length;
  }

  /**
   * Sends the clients to other instances, and logs them out with grace, so that their reconnect is not
   * visible to others.
   */
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
    if (this.#sessions.draining) return socket.close(CLOSE.restart, 'this instance restarts');
    // Authenticate the user here: this example trusts the URL.
    const query = new URLSearchParams(request.url?.split('?')[1]);
    const [userId, deviceId] = [query.get('user'), query.get('device')];
    if (!isId(userId) || !isId(deviceId)) {
      return socket.close(CLOSE.badRequest, 'connect to /?user=ID&device=ID');
    }
    const session = { userId, deviceId, sessionId: randomUUID() };
    // Before the login, because messages may arrive as soon as it succeeds.
    this.#sockets.set(session.sessionId, socket);
    socket.once('close', (code) => this.#closed(session, code));
    try {
      // Behind a proxy, take the address that it forwards.
      const clientIp = request.socket.remoteAddress;
      const { endReason, rejected } = await this.#sessions.online({ ...session, clientIp });
      if (endReason) return this.#end(session.sessionId, rejected ? 'too many sessions' : endReason);
    } catch (error) {
      console.warn(`${userId}/${deviceId} cannot be logged in: ${(error as Error).message}`);
      this.#sockets.delete(session.sessionId);
      return socket.close(CLOSE.tryLater, 'try again in a while');
    }
    this.#listen(socket, userId);
    send(socket, { type: 'welcome', server: this.addr });
  }

  #listen(socket: WebSocket, userId: string): void {
    let unfollow = () => {};
    socket.once('close', () => unfollow());
    socket.on('message', (data) => {
      const message = readFromClient(data.toString());
      if (message === undefined) return socket.close(CLOSE.badRequest, 'not understood');
      if (message.type === 'send') return void this.#send(socket, userId, message);
      unfollow();
      unfollow = () => {};
      try {
        unfollow = this.#contacts.follow(message.userIds, (contact, online) =>
          send(socket, { type: 'presence', userId: contact, online }),
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
    send(socket, { type: 'sent', id, ...sent });
  }

  /** Sends a message to each instance that holds sessions of the user. A group is one such call as well. */
  async #route(
    message: { from: string; text: string },
    to: string,
  ): Promise<{ devices: number; reason?: string }> {
    const { servers } = await this.#client.route([to]);
    if (servers.length === 0) return { devices: 0, reason: `${to} is offline` };
    const counts = await Promise.all(
      servers.map(({ serverAddr, sessions }) =>
        this.#sendTo(serverAddr, { ...message, sessionIds: sessions.map(({ sessionId }) => sessionId) }),
      ),
    );
    const sum = counts.reduce((a, b) => a + b);
    return sum > 0 ? { devices: sum } : { devices: 0, reason: `${to} cannot be reached just now` };
  }

  async #sendTo(addr: string, delivery: Delivery): Promise<number> {
    if (addr === this.addr) return this.deliver(delivery);
    try {
      return await sendToInstance(addr, delivery);
    } catch (error) {
      // The instance may be down: its users go offline when its lease runs out.
      console.warn(`a message to ${addr} was lost: ${(error as Error).message}`);
      return 0;
    }
  }

  /** Logs out a closed connection: immediately after a goodbye, with grace after a lost connection. */
  #closed(session: Session, code: number): void {
    if (this.#sockets.delete(session.sessionId))
      void this.#logout(session, code === CLOSE.bye ? 0 : GRACE_MS);
  }

  async #logout(session: Session, graceMs: number): Promise<void> {
    await this.#sessions.offline(session, { graceMs }).catch((error: Error) => {
      console.warn(`the logout of ${session.userId}/${session.deviceId} is retried: ${error.message}`);
    });
  }

  #end(sessionId: string, reason: string): void {
    const socket = this.#sockets.get(sessionId);
    this.#sockets.delete(sessionId);
    socket?.close(CLOSE.ended, reason);
  }

  /** Closes connections that have not answered the last ping, and pings the others. */
  #ping(): void {
    for (const socket of this.#server.clients) {
      if (this.#silent.has(socket)) socket.terminate();
      this.#silent.add(socket);
      socket.ping();
    }
  }
}

function send(socket: WebSocket, message: ToClient): void {
  socket.send(JSON.stringify(message), () => {});
}
