import { once } from 'node:events';
import { Flags } from '@oclif/core';
import type { ConnectOptions } from 'imstate-client';
import { ClientCommand, type ClientFlags } from '../cli/base/ClientCommand.js';
import { listenForStop } from '../cli/base/signals.js';
import { durationDefault, durationFlag } from '../cli/flags/flagTypes.js';
import { prose } from '../cli/help/prose.js';
import { printableJson } from '../cli/output/printable.js';
import { frame } from '../cli/top/frame.js';
import { showLive } from '../cli/top/live.js';
import type { Observer } from '../cli/top/Observer.js';
import { isScreen, sizeOf } from '../cli/top/Screen.js';
import { snapshotJson } from '../cli/top/snapshot.js';

type TopFlags = ClientFlags & { interval: number; once: boolean };

export default class Top extends ClientCommand {
  static override summary = 'Show daemons, chat servers and rates live.';
  static override description = prose`
    Takes the whole terminal until q or Ctrl-C. Rates are means over the last 5 seconds; "-" means that
    changes are not delivered at the moment. If there are more changes than the command can follow,
    several of a device count as one. Latencies are those of a health check per second. While a daemon or
    the registry is away, the display says so and continues.

    With --once, or if stdout is not a terminal, it prints one plain frame and exits. With --json it
    prints one object per --interval until it is stopped, or a single one with --once.
  `;
  static override examples = [
    { description: 'The daemons of this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'One frame of the daemons in etcd, as JSON',
      command: '<%= config.bin %> <%= command.id %> --etcd 127.0.0.1:2379 --once --json',
    },
  ];
  static override flags = {
    interval: durationFlag({
      description: 'how often to refresh, 200ms to 1m',
      env: 'IMSTATE_INTERVAL',
      ...durationDefault(1_000),
      min: 200,
      max: 60_000,
      helpValue: 'TIME',
    }),
    once: Flags.boolean({ description: 'print one frame and exit', env: 'IMSTATE_ONCE' }),
  };

  #isStream = false;

  async run(): Promise<void> {
    const { flags } = await this.parse(Top);
    this.#isStream = this.jsonEnabled();
    const { stop, release } = listenForStop();
    const over = new AbortController();
    const end = () => over.abort();
    stop.addEventListener('abort', end, { once: true });
    process.stdout.on('error', end);
    try {
      // It loads the health client, which other commands do not need.
      const { Observer } = await import('../cli/top/Observer.js');
      await this.withClient(flags, async (client) => {
        const observer = new Observer(client, flags.interval, over.signal);
        await this.#show(observer, flags, over);
      });
    } finally {
      end();
      process.stdout.off('error', end);
      release();
    }
  }

  /** Warnings would overwrite the display, which shows the same. */
  protected override connectOptions(flags: ClientFlags): ConnectOptions {
    return { ...super.connectOptions(flags), log: undefined };
  }

  /** With --json an error is a line too. */
  override logJson(json: unknown): void {
    if (this.#isStream) process.stdout.write(`${printableJson(json)}\n`);
    else super.logJson(json);
  }

  async #show(observer: Observer, flags: TopFlags, over: AbortController): Promise<void> {
    const options = this.connectOptions(flags);
    const isOnce = flags.once || (!this.jsonEnabled() && !isScreen());
    if (!isOnce && !this.jsonEnabled())
      return showLive(observer, over, (draw) => observer.start(options, draw));
    const print = () => this.#print(observer);
    await observer.start(options, () => {
      print();
      if (isOnce) over.abort();
    });
    if (!over.signal.aborted) await once(over.signal, 'abort');
  }

  /** Skips a frame while earlier ones wait for a reader: the next one is newer. */
  #print(observer: Observer): void {
    if (process.stdout.writableNeedDrain) return;
    const snapshot = observer.snapshot();
    if (this.jsonEnabled()) this.logJson(snapshotJson(snapshot));
    else {
      const { columns } = sizeOf(process.stdout);
      this.log(frame(snapshot, { columns, rows: Number.POSITIVE_INFINITY }, false).join('\n'));
    }
  }
}
