import type { Change, Client, OnlineRequest, WatchEvent } from '../../../packages/client/src/index.ts';
import { until } from '../../support/until.ts';

const WORKERS = 4;

/** A session that was used, and whether it was logged out. */
interface UsedSession {
  userId: string;
  sessionId: string;
  isOver: boolean;
}

/**
 * Users log in, are queried, renewed and logged out, one operation after the other, and each response is
 * compared with what must be true then. A watch collects all changes.
 */
export class Traffic {
  /** What was wrong. */
  readonly faults: string[] = [];
  readonly sessions: UsedSession[] = [];
  /** How often the watch lost changes. */
  losses = 0;
  readonly #changes: Change[] = [];
  readonly #client: Client;
  readonly #workers: Promise<void>[];
  #isSynced = false;
  #isOver = false;

  constructor(client: Client) {
    this.#client = client;
    void this.#watch();
    this.#workers = Array.from({ length: WORKERS }, (_, worker) => this.#run(worker));
  }

  /** Waits until `count` further sessions were used. */
  async proceed(count: number): Promise<void> {
    const goal = this.sessions.length + count;
    await until(() => this.sessions.length >= goal, `${count} further sessions were used`);
  }

  /** Ends the traffic, and waits until the watch has delivered all of it. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
    const expected = this.#expected().length;
    await until(() => this.#changes.length >= expected, `${expected} changes are delivered`);
  }

  /** Compares what is stored, and what the watch delivered, with what was done. */
  async check(): Promise<void> {
    const lasting = this.sessions.filter(({ isOver }) => !isOver);
    const users = await this.#client.getUsers(lasting.map(({ userId }) => userId));
    for (const [i, { userId, sessionId }] of lasting.entries()) {
      const found = users[i]?.devices.map((device) => [device.online, device.sessionId]);
      this.#expect(found, [[true, sessionId]], `the session of ${userId} at the end`);
    }
    for (const { userId, sessionId, isOver } of this.sessions) {
      const { entries } = await this.#client.listHistory({ userId });
      const found = entries.map((entry) => [entry.sessionId, entry.reason]);
      this.#expect(found, [[sessionId, isOver ? 'LOGOUT' : undefined]], `the history of ${userId}`);
    }
    const byUser = (a: string, b: string) => (a < b ? -1 : 1);
    this.#expect(this.#changes.map(nameOf).sort(byUser), this.#expected().sort(byUser), 'the changes');
    this.#expect(this.losses, 0, 'the losses of the watch');
  }

  /** The change of each login and of each logout, once. */
  #expected(): string[] {
    return this.sessions.flatMap(({ sessionId, isOver }) =>
      isOver ? [`${sessionId} online`, `${sessionId} LOGOUT`] : [`${sessionId} online`],
    );
  }

  async #watch(): Promise<void> {
    for await (const event of this.#client.watch({ everything: true })) this.#note(event);
  }

  #note(event: WatchEvent): void {
    if (event.type === 'synced') this.#isSynced = true;
    else if (event.type === 'lost') this.losses += 1;
    else if (event.type === 'change' && event.userId.startsWith('user-')) this.#changes.push(event);
  }

  async #run(worker: number): Promise<void> {
    await until(() => this.#isSynced, 'the watch is synced');
    for (let n = 0; !this.#isOver; n++) {
      const userId = `user-${worker}-${n}`;
      await this.#use(userId, n % 4 === 0).catch((error) => this.faults.push(`${userId}: ${error.message}`));
    }
  }

  async #use(userId: string, isLasting: boolean): Promise<void> {
    const client = this.#client;
    const sessionId = `of-${userId}`;
    const ref = { userId, deviceId: 'phone', sessionId };
    const login: OnlineRequest = {
      ...ref,
      serverAddr: '10.0.0.1:9000',
      platform: 'ios',
      metadata: { userId },
    };
    const { replaced, endReason } = await client.online(login);
    const used = { userId, sessionId, isOver: false };
    this.sessions.push(used);
    this.#expect([replaced, endReason], [[], undefined], `the login of ${userId}`);
    await this.#expectDevice(userId, { online: true, sessionId, metadata: { userId } });
    this.#expect((await client.heartbeat([ref])).ended, [], `the heartbeat of ${userId}`);
    await client.online({ ...login, metadata: { refreshed: userId } });
    await this.#expectDevice(userId, { online: true, sessionId, metadata: { refreshed: userId } });
    if (isLasting) return;
    this.#expect((await client.offline(ref)).applied, true, `the logout of ${userId}`);
    used.isOver = true;
    await this.#expectDevice(userId, { online: false, sessionId, metadata: { refreshed: userId } });
  }

  async #expectDevice(
    userId: string,
    expected: { online: boolean; sessionId: string; metadata: Record<string, string> },
  ): Promise<void> {
    const { devices } = await this.#client.getUser({ userId });
    const found = devices.map(({ online, sessionId, metadata }) => ({ online, sessionId, metadata }));
    this.#expect(found, [expected], `the devices of ${userId}`);
  }

  #expect(found: unknown, expected: unknown, what: string): void {
    const [is, must] = [found, expected].map((value) => JSON.stringify(value));
    if (is !== must) this.faults.push(`${what}: ${is} instead of ${must}`);
  }
}

function nameOf({ session, ended }: Change): string {
  return ended === undefined ? `${session?.sessionId} online` : `${ended.sessionId} ${ended.reason}`;
}
