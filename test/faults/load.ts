import { setTimeout as delay } from 'node:timers/promises';
import { type Client, ImstateError, type UserState } from '../../packages/client/src/index.ts';
import { until } from '../support/until.ts';

const WORKERS = 4;
const LOGINS_AT_ONCE = 20;

/** Logs in one new user after the other, and records the results. */
export class Load {
  /** Sessions of acknowledged logins, by user. */
  readonly acknowledged = new Map<string, string>();
  readonly failures: ImstateError[] = [];
  readonly #client: Client;
  readonly #workers: Promise<void>[];
  #isOver = false;

  constructor(client: Client) {
    this.#client = client;
    this.#workers = Array.from({ length: WORKERS }, (_, worker) => this.#run(worker));
  }

  /** Waits until `logins` further logins are acknowledged. */
  async proceed(logins: number): Promise<void> {
    const goal = this.acknowledged.size + logins;
    await until(() => this.acknowledged.size >= goal, `${logins} further logins are acknowledged`);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
  }

  /** Acknowledged users who are not online with their session; waits until the whole store can be read. */
  async lost(): Promise<string[]> {
    const users = await until(() => this.#readAll(), 'all users can be read');
    const isLost = ({ userId, devices }: (typeof users)[number]) =>
      !devices.some(({ online, sessionId }) => online && sessionId === this.acknowledged.get(userId));
    return users.filter(isLost).map(({ userId }) => userId);
  }

  /** Undefined while part of the store is unavailable. */
  async #readAll(): Promise<UserState[] | undefined> {
    return this.#client.getUsers([...this.acknowledged.keys()]).catch((error) => {
      if (error instanceof ImstateError && error.code === 'UNAVAILABLE') return undefined;
      throw error;
    });
  }

  async #run(worker: number): Promise<void> {
    for (let batch = 0; !this.#isOver; batch++) {
      const users = Array.from({ length: LOGINS_AT_ONCE }, (_, i) => `user-${worker}-${batch}-${i}`);
      await Promise.all(users.map((userId) => this.#login(userId)));
      // Enough logins to show a fault, without saturating the machine.
      await delay(10);
    }
  }

  async #login(userId: string): Promise<void> {
    const login = { userId, deviceId: 'phone', serverAddr: '10.0.0.1:9000', sessionId: `of-${userId}` };
    try {
      await this.#client.online(login);
      this.acknowledged.set(userId, login.sessionId);
    } catch (error) {
      if (!(error instanceof ImstateError)) throw error;
      this.failures.push(error);
    }
  }
}
