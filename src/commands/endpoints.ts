import { Flags } from '@oclif/core';
import type { ConnectOptions } from 'imstate-client';
import type { EndpointEvent } from 'imstate-client/internal/connection/endpoints';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { printStream } from '../cli/base/stream.js';
import { MixedRegistry } from '../cli/input/mixedRegistry.js';
import {
  endpointEventJson,
  endpointLines,
  endpointsJson,
  endpointTable,
  warningsOf,
} from '../cli/output/endpointReport.js';
import { printable, printableJson, printableValue } from '../cli/output/printable.js';

export default class Endpoints extends ClientCommand {
  static override summary = 'List the daemons that are registered, with their health and latency.';
  static override description =
    'Each daemon is asked for its health directly. SERVING: it serves. NOT_SERVING: its store does not answer, or it is ' +
    'stopping. UNREACHABLE: nobody answered at that address within the timeout; a daemon that was killed is listed until its lease ends. UNKNOWN: a legacy server of pb.UserStatus, which shares no sessions with imstate daemons; where both are registered, a warning names it.\n\n' +
    'With --watch it goes on until Ctrl-C, and asks each daemon every second. With --json each line is an object with "type": "list" first, then "added", "removed", "health" or "registry".';
  static override examples = [
    { description: 'Daemons of this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Daemons registered in etcd, as JSON',
      command: '<%= config.bin %> <%= command.id %> --etcd 127.0.0.1:2379 --json',
    },
    {
      description: 'Look on while daemons come and go',
      command: '<%= config.bin %> <%= command.id %> --etcd 127.0.0.1:2379 --watch',
    },
  ];

  static override flags = {
    watch: Flags.boolean({
      description: 'go on, with a line for each daemon that comes, goes or changes its health',
      env: 'IMSTATE_WATCH',
    }),
  };

  #isStream = false;

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Endpoints);
    this.#isStream = flags.watch;
    if (flags.watch) return this.#watch(this.connectOptions(flags));
    const { listEndpoints } = await import('imstate-client/internal/connection/endpoints');
    const list = await listEndpoints(this.connectOptions(flags));
    this.log(endpointTable(printableValue(list)));
    this.#warn({ type: 'list', ...list }, new MixedRegistry());
    return endpointsJson(list);
  }

  /** With --watch an error is one more line. */
  override logJson(json: unknown): void {
    if (this.#isStream) process.stdout.write(`${printableJson(json)}\n`);
    else super.logJson(json);
  }

  async #watch(options: ConnectOptions): Promise<void> {
    const { watchEndpoints } = await import('imstate-client/internal/connection/endpoints');
    const stop = new AbortController();
    const mixed = new MixedRegistry();
    const toLines = (event: EndpointEvent) => {
      this.#warn(event, mixed);
      return this.jsonEnabled()
        ? [printableJson(endpointEventJson(event))]
        : endpointLines(printableValue(event));
    };
    await printStream(watchEndpoints(options, stop.signal), toLines, () => stop.abort());
  }

  /** With --json too, where logToStderr() is silent. */
  #warn(event: EndpointEvent, mixed: MixedRegistry): void {
    for (const warning of warningsOf(event, mixed)) process.stderr.write(`warning: ${printable(warning)}\n`);
  }
}
