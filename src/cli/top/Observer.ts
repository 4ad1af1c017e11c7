import { setTimeout as delay } from 'node:timers/promises';
import type { ChatServer, Client, ConnectOptions, Stats, WatchEvent } from 'imstate-client';
import { type EndpointEvent, watchEndpoints } from 'imstate-client/internal/connection/endpoints';
import { CLIENT_DEFAULTS } from 'imstate-client/internal/defaults';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { collectPages } from '../input/pages.js';
import { Daemons } from './Daemons.js';
import { Meter } from './Meter.js';
import { push } from './series.js';
import type { Snapshot } from './snapshot.js';

const MAX_SERVERS = 1_000;
const RETRY_MS = 1_000;
/** The parts that can fail independently. */
const PARTS = ['stats', 'servers', 'changes', 'registry'] as const;
type Part = (typeof PARTS)[number];

/**
 * Watches daemons, chat servers and changes until the signal aborts. Continues when daemons or the registry
 * are lost.
 */
export class Observer {
  readonly #client: Client;
  readonly #signal: AbortSignal;
  readonly #intervalMs: number;
  readonly #daemons = new Daemons();
  readonly #online: number[] = [];
  readonly #faults = new Map<Part, ImstateError>();
  #source: Pick<Snapshot, 'service' | 'registry'> = { service: undefined, registry: '' };
  #stats: Stats | undefined;
  #servers: ChatServer[] = [];
  #hasMoreServers = false;
  /** Undefined while changes are not delivered. */
  #meter: Meter | undefined;

  constructor(client: Client, intervalMs: number, signal: AbortSignal) {
    this.#client = client;
    this.#intervalMs = intervalMs;
    this.#signal = signal;
  }

  /**
   * Rejects if the registry or all daemons are away at the start. Then calls `onTick` after each interval.
   */
  async start(options: ConnectOptions, onTick: () => void): Promise<void> {
    const { timeoutMs = CLIENT_DEFAULTS.timeoutMs } = options;
    const events = watchEndpoints(options, this.#signal, true);
    const first = await events.next();
    if (!first.done) this.#takeEndpoint(first.value);
    await this.#poll();
    const fault = this.#faults.get('stats');
    if (fault !== undefined) {
      await events.return();
      throw fault;
    }
    void this.#followEndpoints(events);
    const known = new Promise<void>((resolve) => void this.#followChanges(resolve));
    await Promise.race([known, this.#pause(timeoutMs)]);
    void this.#pollOn();
    void this.#tick(onTick);
  }

  snapshot(): Snapshot {
    return {
      time: new Date(),
      ...this.#source,
      stats: this.#stats,
      online: this.#online,
      rates: this.#meter?.rates(performance.now()),
      daemons: this.#daemons.list(),
      servers: this.#servers,
      hasMoreServers: this.#hasMoreServers,
      faults: this.#currentFaults(),
    };
  }

  /** If several parts fail for one reason, calls describe it better than a broken stream. */
  #currentFaults(): ImstateError[] {
    const missing = this.#stats?.partial && !this.#faults.has('stats') ? [partOfStore()] : [];
    const telling = PARTS.filter((part) => part !== 'changes' || !this.#faults.has('stats'));
    const faults = telling.flatMap((part) => this.#faults.get(part) ?? []);
    return [...missing, ...new Map(faults.map((fault) => [fault.message, fault])).values()];
  }

  async #pollOn(): Promise<void> {
    while (await this.#pause(this.#intervalMs)) await this.#poll();
  }

  /** Separate from the calls, which are slow while daemons are away. */
  async #tick(onTick: () => void): Promise<void> {
    while (await this.#pause(this.#intervalMs)) onTick();
  }

  async #poll(): Promise<void> {
    await Promise.all([
      this.#try('stats', async () => {
        this.#stats = await this.#client.getStats({ signal: this.#signal });
        push(this.#online, this.#stats.devicesOnline);
      }),
      this.#try('servers', async () => {
        const { rows, isCut } = await collectPages(MAX_SERVERS, async (page) => {
          const { servers, nextPageToken } = await this.#client.listServers(page, { signal: this.#signal });
          return { rows: servers, nextPageToken };
        });
        this.#servers = rows.sort((a, b) => b.sessions - a.sessions);
        this.#hasMoreServers = isCut;
      }),
    ]);
  }

  /** `onKnown` is called once changes are counted, or the reason why not is known. */
  async #followChanges(onKnown: () => void): Promise<void> {
    do {
      await this.#try('changes', async () => {
        const what = { everything: true, initialState: false, coalesce: true } as const;
        for await (const event of this.#client.watch({ ...what, signal: this.#signal })) {
          this.#takeChange(event);
          onKnown();
        }
      });
      this.#meter = undefined;
      onKnown();
    } while (await this.#pause(RETRY_MS));
  }

  /** Changes before `synced` happened while the stream was broken, not now. */
  #takeChange(event: WatchEvent): void {
    const now = performance.now();
    if (event.type === 'synced') {
      this.#meter ??= new Meter(now);
      this.#faults.delete('changes');
    } else if (event.type === 'change') this.#meter?.add(event, now);
    else if (event.type === 'disconnected') {
      this.#meter = undefined;
      this.#faults.set('changes', event.error);
    }
  }

  async #followEndpoints(events: AsyncGenerator<EndpointEvent, void>): Promise<void> {
    await this.#try('registry', async () => {
      for await (const event of events) this.#takeEndpoint(event);
    });
  }

  #takeEndpoint(event: EndpointEvent): void {
    this.#daemons.take(event);
    if (event.type === 'list') this.#source = { service: event.service, registry: event.description };
    if (event.type !== 'registry') return;
    if (event.error) this.#faults.set('registry', event.error);
    else this.#faults.delete('registry');
  }

  async #try(part: Part, action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.#faults.delete(part);
    } catch (error) {
      if (this.#signal.aborted) return;
      const fault = error instanceof ImstateError ? error : new ImstateError('INTERNAL', messageOf(error));
      this.#faults.set(part, fault);
    }
  }

  /** True after `ms`; false at once if the observer stops. */
  #pause(ms: number): Promise<boolean> {
    return delay(ms, true, { signal: this.#signal }).catch(() => false);
  }
}

function partOfStore(): ImstateError {
  return new ImstateError(
    'UNAVAILABLE',
    'part of the store does not answer: its users and devices are not counted',
  );
}
