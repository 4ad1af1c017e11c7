import type { Client, ConnectOptions } from 'imstate-client';
import { CLIENT_DEFAULTS } from 'imstate-client/internal/defaults';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import { clientSettings } from '../config/clientSettings.js';
import type { FlagTable, Layer } from '../config/settings.js';
import { connectionFlags } from '../flags/connectionFlags.js';
import { durationDefault, durationFlag } from '../flags/flagTypes.js';
import { type EtcdUserFlags, etcdCredentials } from '../flags/registryFlags.js';
import { type ClientTlsFlags, clientTls, etcdTls } from '../flags/tlsFlags.js';
import { type TokenFlags, tokenOptions } from '../flags/tokenFlags.js';
import { addressList } from '../input/addressList.js';
import { printableValue } from '../output/printable.js';
import { BaseCommand } from './BaseCommand.js';
import { inWordsOf } from './commandWords.js';

let isAnswered = false;

/** True once a daemon has answered this process: by then it has run most of what any command needs. */
export function hasAnswer(): boolean {
  return isAnswered;
}

/** What the commands that call a daemon share: the flags of the connection, and the client. */
export abstract class ClientCommand extends BaseCommand {
  static override baseFlags = {
    ...BaseCommand.baseFlags,
    timeout: durationFlag({
      description: 'deadline of a call',
      env: 'IMSTATE_TIMEOUT',
      ...durationDefault(CLIENT_DEFAULTS.timeoutMs),
      min: 1,
      max: 3_600_000,
      helpValue: 'TIME',
      helpGroup: 'GLOBAL',
    }),
    ...connectionFlags,
  };

  #context: string | undefined;

  protected override async settings(argv: readonly string[], flags: FlagTable): Promise<Layer> {
    const { configDir } = this.config;
    const places = { own: flags, shared: ClientCommand.baseFlags, configDir };
    const { layer, context } = await clientSettings(argv, places);
    this.#context = context;
    return layer;
  }

  /** In the words of the command, and with the context in use: it may be the wrong one. */
  protected override explain(error: ImstateError): ImstateError {
    const explained = super.explain(inWordsOf(error, this.words));
    if (this.#context === undefined || error.exitCode < 3) return explained;
    // The source of the flag names the context already.
    if (this.blamed(explained)?.isOfContext) return explained;
    return explained.reworded(`${explained.message} (context "${this.#context}" is in use)`);
  }

  /** Where to find daemons: --endpoint, else --etcd, else the embedded registry of this machine. */
  protected connectOptions(flags: ClientFlags): ConnectOptions {
    return {
      endpoints: flags.endpoint === undefined ? undefined : addressList(flags.endpoint),
      etcd: flags.etcd,
      ...etcdCredentials(flags),
      dataDir: flags['data-dir'] ?? this.config.dataDir,
      service: flags.service,
      tls: clientTls(flags),
      etcdTls: etcdTls(flags),
      ...tokenOptions(flags),
      timeoutMs: flags.timeout,
      log: { info: () => {}, warn: (message) => this.logToStderr(`warning: ${message}`) },
    };
  }

  /** Says on stderr that --limit cut a listing. */
  protected warnOfLimit(limit: number): void {
    this.logToStderr(`there may be more than ${limit}: raise --limit, up to 10000`);
  }

  protected warnOfMissing(): void {
    this.logToStderr('part of the store does not answer: its sessions are missing here; run imstate doctor');
  }

  /**
   * Runs `use` with a client, and closes the client in any case. Resolves with its result, whose texts are
   * printable unless it becomes JSON.
   */
  protected async withClient<T>(flags: ClientFlags, use: (client: Client) => Promise<T>): Promise<T> {
    const { connect } = await import('imstate-client');
    const client = await connect(this.connectOptions(flags));
    try {
      const answer = await use(client);
      isAnswered = true;
      return this.jsonEnabled() ? answer : printableValue(answer);
    } finally {
      await client.close();
    }
  }

  /** As {@link withClient}, with these of the daemons; any daemon if there are none. */
  protected withDaemons<T>(
    flags: ClientFlags,
    addrs: string[],
    use: (client: Client) => Promise<T>,
  ): Promise<T> {
    return this.withClient({ ...flags, endpoint: addrs.join() || flags.endpoint }, use);
  }
}

/** The flags of {@link ClientCommand}, parsed. */
export interface ClientFlags extends ClientTlsFlags, TokenFlags, EtcdUserFlags {
  endpoint: string | undefined;
  etcd: string | undefined;
  service: string;
  'data-dir': string | undefined;
  timeout: number;
}
