import { Flags } from '@oclif/core';
import type { ConnectOptions } from 'imstate-client';
import type { EndpointEvent } from 'imstate-client/internal/connection/endpoints';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { printStream } from '../cli/base/stream.js';
import { prose } from '../cli/help/prose.js';
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
  static override summary = 'List the registered daemons with their health and latency.';
  static override description = prose`
    Calls the health check of each daemon. SERVING: the daemon serves. NOT_SERVING: its store does not
    answer, or it is stopping. UNREACHABLE: nothing answers at its address within --timeout; a killed
    daemon stays listed until its lease ends. UNKNOWN: a server of the legacy pb.UserStatus service, which
    shares no sessions with daemons of imstate.

    With --watch the command runs until Ctrl-C, and checks each daemon every second. With --json each line
    is an object of "type" list, added, removed, health or registry.
  `;
  static override examples = [
    { description: 'Daemons of this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Daemons registered in etcd, as JSON',
      command: '<%= config.bin %> <%= command.id %> --etcd 127.0.0.1:2379 --json',
    },
    {
      description: 'Follow daemons that come and go',
      command: '<%= config.bin %> <%= command.id %> --etcd 127.0.0.1:2379 --watch',
    },
  ];

  static override flags = {
    watch: Flags.boolean({
      description: 'keep running, with a line per change',
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

  /** With --watch an error is a line too. */
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

  /** Also with --json, where logToStderr() is silent. */
  #warn(event: EndpointEvent, mixed: MixedRegistry): void {
    for (const warning of warningsOf(event, mixed)) process.stderr.write(`warning: ${printable(warning)}\n`);
  }
}
