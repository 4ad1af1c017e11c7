import { setTimeout as delay } from 'node:timers/promises';
import { type Client, ImstateError } from '../../packages/client/src/index.ts';

/** Totals of all probes. */
export interface ProbeCounts {
  changes: number;
  reads: number;
  /** Failed calls, by code. Each was retried until it succeeded. */
  failed: Record<string, number>;
  /** Descriptions of wrong responses. */
  wrong: string[];
}

export function newProbeCounts(): ProbeCounts {
  return { changes: 0, reads: 0, failed: {}, wrong: [] };
}

const READS = 4;
const PAUSE_MS = 100;
/** Codes with which calls may fail during a fault. */
const EXPECTED = ['UNAVAILABLE', 'DEADLINE_EXCEEDED'];

/**
 * A device that only the probe changes. It logs in and out, and reads the device after each acknowledged
 * change: whichever daemon answers, and whatever fails meanwhile, the response must show the last change.
 */
export class Probe {
  readonly #client: Client;
  readonly #counts: ProbeCounts;
  readonly #device: { userId: string; deviceId: string };
  #sessions = 0;

  constructor(userId: string, client: Client, counts: ProbeCounts) {
    this.#client = client;
    this.#counts = counts;
    this.#device = { userId, deviceId: 'phone' };
  }

  /** Runs until `stop`, and leaves the device offline. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const sessionId = `p-${this.#sessions++}`;
      const login = { ...this.#device, sessionId, serverAddr: '10.9.9.9:9000' };
      const { endReason } = await this.#answered('a login', () => this.#client.online(login));
      if (endReason)
        this.#counts.wrong.push(`${this.#device.userId}: ${sessionId} had ended by ${endReason}`);
      await this.#expect(sessionId, stop);
      await this.#answered('a logout', () => this.#client.offline({ ...this.#device, sessionId }));
      await this.#expect(undefined, stop);
    }
  }

  async #expect(sessionId: string | undefined, stop: AbortSignal): Promise<void> {
    this.#counts.changes += 1;
    for (let i = 0; i < READS && !stop.aborted; i++) {
      const { online, devices } = await this.#answered('a query', () => this.#client.getUser(this.#device));
      this.#counts.reads += 1;
      const found = devices.find((device) => device.online)?.sessionId;
      if (found !== sessionId || online !== (sessionId !== undefined)) {
        const truth = sessionId ?? 'offline';
        this.#counts.wrong.push(`${this.#device.userId} is ${found ?? 'offline'}, in truth ${truth}`);
      }
      await delay(PAUSE_MS);
    }
  }

  /** Retries a call until it succeeds. */
  async #answered<T>(what: string, call: () => Promise<T>): Promise<T> {
    const { failed, wrong } = this.#counts;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const code = error instanceof ImstateError ? error.code : 'no ImstateError';
        failed[code] = (failed[code] ?? 0) + 1;
        if (!EXPECTED.includes(code)) wrong.push(`${what} failed: ${error}`);
        await delay(PAUSE_MS);
      }
    }
  }
}
