import { hostname } from 'node:os';
import { Flags } from '@oclif/core';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { listenForStop } from '../../cli/base/signals.js';
import { textFlag } from '../../cli/flags/flagTypes.js';
import { listenForLogLevel, logFlags } from '../../cli/flags/logFlags.js';
import { targetFlags, targetOptions } from '../../cli/flags/targetFlags.js';
import { prose } from '../../cli/help/prose.js';
import { addressList } from '../../cli/input/addressList.js';
import { EVENT_TYPES, type EventType } from '../../relay/eventTypes.js';

export default class RelayRun extends ClientCommand {
  static override summary = 'Deliver changes as events to a webhook, NATS JetStream or a Redis stream.';
  static override description = prose`
    Events are CloudEvents 1.0. They arrive at least once, in the order of each user: the position is stored
    under the name of the relay after the target has acknowledged. Of several processes of one name one
    delivers; if it fails, another takes over within 5 s. A new relay begins now.

    While the target fails, the relay tries again, and misses nothing while the change log holds the changes
    (imstate serve --change-limit). If they are gone, it sends snapshots of all users who are online, and says
    so. Needs the role writer, not bound to chat servers.

    Runs until Ctrl-C or SIGTERM, and logs to stderr. See docs/relay.md.
  `;
  static override examples = [
    {
      description: 'Signed requests to a webhook',
      command:
        '<%= config.bin %> <%= command.id %> --name billing --to https://example.com/presence --secret-file secret',
    },
    {
      description: 'Users who come online and go offline, to NATS',
      command:
        '<%= config.bin %> <%= command.id %> --name bus --to nats://10.0.0.9:4222/imstate --type presence.user.online,presence.user.offline',
    },
  ];
  static override flags = {
    name: textFlag({
      description: 'name of the relay, under which its position is stored',
      env: 'IMSTATE_NAME',
      required: true,
      helpValue: 'NAME',
    }),
    ...targetFlags,
    'user-prefix': textFlag({
      description: 'only users whose IDs begin so',
      env: 'IMSTATE_USER_PREFIX',
      helpValue: 'TEXT',
    }),
    server: textFlag({
      char: 's',
      description: 'only sessions of these chat servers',
      env: 'IMSTATE_SERVER',
      helpValue: 'HOST:PORT,…',
    }),
    type: Flags.string({
      description: 'only events of these types',
      env: 'IMSTATE_TYPE',
      options: Object.values(EVENT_TYPES),
      multiple: true,
      delimiter: ',',
      helpValue: 'TYPE',
    }),
    'log-level': logFlags['log-level'],
    'log-format': logFlags['log-format'],
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(RelayRun);
    const [{ makeLogger }, { openTarget }, { Relay }] = await Promise.all([
      import('../../cli/output/logger.js'),
      import('../../relay/openTarget.js'),
      import('../../relay/relay.js'),
    ]);
    const { log } = makeLogger(flags['log-level'], flags['log-format']);
    listenForLogLevel(log, () => {});
    const { stop } = listenForStop();
    const target = await openTarget(
      flags.to,
      targetOptions(flags, (message) => log.warn(message)),
    );
    try {
      await this.withClient(flags, async (client) => {
        const relay = new Relay({
          name: flags.name,
          holder: `${hostname()}:${process.pid}`,
          client,
          target,
          filter: {
            userPrefix: flags['user-prefix'],
            servers: flags.server === undefined ? undefined : addressList(flags.server),
            types: flags.type === undefined ? undefined : new Set(flags.type as EventType[]),
          },
          log,
        });
        await relay.run(stop);
        log.info('stopped');
      });
    } finally {
      await target.close();
    }
  }
}
