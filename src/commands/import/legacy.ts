import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { listenForStop } from '../../cli/base/signals.js';
import { commandLine, type FlagTable, fromFirst, type Layer, merge } from '../../cli/config/settings.js';
import { legacyRedisFlags } from '../../cli/flags/redisFlags.js';
import { redisUrl } from '../../cli/flags/redisUrl.js';
import { redisTls, redisTlsFlags } from '../../cli/flags/tlsFlags.js';
import { prose } from '../../cli/help/prose.js';
import { runLegacyImport } from '../../cli/input/legacyImport.js';
import { printableJson } from '../../cli/output/printable.js';

export default class ImportLegacy extends ClientCommand {
  static override summary = "Log in the devices that are online in the Go server's Redis.";
  static override description = prose`
    Reads and counts the hashes of the Go server (DeviceID -> UserID, Status, ServerAddr, LoginTime) with
    SCAN, and changes none of them. Without --apply this is all: a dry run. With --apply each online
    device logs in at the daemons, with its chat server and login time.

    You can run it again at any time, also after Ctrl-C or a failure: imported devices stay as they are,
    and devices that logged in or out at a daemon since are left alone. An invalid record, such as one
    with an empty ID, is printed with the rule that it breaks; the others are imported.

    Exit code: 0 if all online devices are valid or imported, 2 if records are invalid, 3 if Redis or the
    daemons do not answer, 130 after Ctrl-C. With --json each line is an object: of "type" problem for a
    record that is not imported, and summary at the end.
  `;
  static override examples = [
    { description: 'Dry run', command: '<%= config.bin %> <%= command.id %> --redis redis://127.0.0.1:6379' },
    {
      description: 'Import into the daemons registered in etcd',
      command:
        '<%= config.bin %> <%= command.id %> --redis redis://127.0.0.1:6379 --etcd 127.0.0.1:2379 --apply',
    },
  ];
  static override flags = {
    ...legacyRedisFlags,
    ...redisTlsFlags,
    apply: Flags.boolean({
      description: 'log the devices in [default: dry run]',
      env: 'IMSTATE_APPLY',
    }),
  };

  protected override async settings(argv: readonly string[], flags: FlagTable): Promise<Layer> {
    const layers = [commandLine(argv, flags), await super.settings(argv, flags)];
    return merge(...fromFirst(['redis', 'redis-url-file'], layers));
  }

  /** Prints line by line; under --json oclif prints nothing for a command that returns nothing. */
  async run(): Promise<void> {
    const { flags } = await this.parse(ImportLegacy);
    const redis = redisUrl(flags);
    if (redis === undefined)
      throw new ImstateError('WRONG_USAGE', 'name the Redis of the Go server: --redis or --redis-url-file');
    const { stop, release } = listenForStop();
    try {
      process.exitCode = await runLegacyImport({
        redis,
        redisTls: redisTls(flags),
        daemons: flags.apply ? this.connectOptions(flags) : undefined,
        stop,
        isJson: this.jsonEnabled(),
      });
    } finally {
      release();
    }
  }

  /** An error is a line too. */
  override logJson(json: unknown): void {
    process.stdout.write(`${printableJson(json)}\n`);
  }
}
