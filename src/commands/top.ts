import { once } from 'node:events';
import { Flags } from '@oclif/core';
import type { ConnectOptions } from 'imstate-client';
import { ClientCommand, type ClientFlags } from '../cli/base/ClientCommand.js';
import { listenForStop } from '../cli/base/signals.js';
import { durationDefault, durationFlag } from '../cli/flags/flags.js';
import { printableJson } from '../cli/output/printable.js';
import { frame } from '../cli/top/frame.js';
import { showLive } from '../cli/top/live.js';
import type { Observer } from '../cli/top/Observer.js';
import { isScreen, sizeOf } from '../cli/top/Screen.js';
import { snapshotJson } from '../cli/top/snapshot.js';

type TopFlags = ClientFlags & { interval: number; once: boolean };

export default class Top extends ClientCommand {
  static override summary =
    'Look on live: daemons, chat servers, who is online, logins and logouts a second.';
  static override description =
    'It takes the whole terminal, until q or Ctrl-C. Rates are means over the last 5 seconds, "-" while changes are not told; several changes of a device count as one ' +
    'when there are more than can be followed. Latencies are those of a health check, asked each second. ' +
    'While a daemon or the registry is away it says so and goes on with what is known.\n\n' +
    'With --once, and where stdout is no terminal, it prints one plain picture and ends. With --json it prints an object a line, one each --interval ' +
    'until it is stopped, or one with --once.';
  static override examples = [
    { description: 'The daemons of this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'One picture of the daemons in etcd, as JSON',
      command: '<%= config.bin %> <%= command.id %> --etcd 127.0.0.1:2379 --once --json',
    },
  ];
  static override flags = {
    interval: durationFlag({
      description: 'how often to ask and draw, 200ms to 1m',
      env: 'IMSTATE_INTERVAL',
      ...durationDefault(1_000),
      min: 200,
      max: 60_000,
      helpValue: 'TIME',
    }),
    once: Flags.boolean({ description: 'print one picture and end', env: 'IMSTATE_ONCE' }),
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
      // It brings the client of health, which other commands do without.
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

  /** What is said while it is shown would spoil the picture, which tells it anyway. */
  protected override connectOptions(flags: ClientFlags): ConnectOptions {
    return { ...super.connectOptions(flags), log: undefined };
  }

  /** With --json an error is one more line. */
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

  /** A picture is left out while earlier ones wait for a reader: they would pile up, and the next one says more. */
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
