import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { listenForStop } from '../../cli/base/signals.js';
import { commandLine, type FlagTable, fromFirst, type Layer, merge } from '../../cli/config/settings.js';
import { legacyRedisFlags } from '../../cli/flags/redisFlags.js';
import { redisUrl } from '../../cli/flags/redisUrl.js';
import { redisTls, redisTlsFlags } from '../../cli/flags/tlsFlags.js';
import { runLegacyImport } from '../../cli/input/legacyImport.js';
import { printableJson } from '../../cli/output/printable.js';

export default class ImportLegacy extends ClientCommand {
  static override summary = "Log in the devices that are online in the Go server's Redis.";
  static override description =
    'Reads the hashes of the Go server (DeviceID -> UserID, Status, ServerAddr, LoginTime) by SCAN, changes none of them, and counts them. ' +
    'That is all without --apply: a dry run. With --apply each device that is online logs in at the daemons, with its chat server and its login time.\n\n' +
    'Run it as often as you like, also after Ctrl-C or a failure: a device that was imported before stays as it is, and one that has logged in or out at a daemon since is left alone. ' +
    'A record that breaks a rule of imstate (such as an empty id) is printed with the rule, counted, and does not stop the others.\n\n' +
    'Exit code: 0 if all online devices can be imported or were; 2 if records cannot; 3 if Redis or the daemons do not answer; 130 after Ctrl-C. ' +
    'With --json each line is an object: "type": "problem" for a record that is not imported, and "summary" at the end.';
  static override examples = [
    {
      description: 'See what would be imported',
      command: '<%= config.bin %> <%= command.id %> --redis redis://127.0.0.1:6379',
    },
    {
      description: 'Import, into the daemons that are registered in etcd',
      command:
        '<%= config.bin %> <%= command.id %> --redis redis://127.0.0.1:6379 --etcd 127.0.0.1:2379 --apply',
    },
  ];
  static override flags = {
    ...legacyRedisFlags,
    ...redisTlsFlags,
    apply: Flags.boolean({
      description: 'log the devices in; without it nothing is changed',
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

  /** An error is one more line. */
  override logJson(json: unknown): void {
    process.stdout.write(`${printableJson(json)}\n`);
  }
}
