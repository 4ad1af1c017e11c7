import { randomUUID } from 'node:crypto';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { targetFlags, targetOptions } from '../../cli/flags/targetFlags.js';
import { prose } from '../../cli/help/prose.js';

const SAMPLE = { userId: 'test-user', deviceId: 'test-device', serverAddr: '127.0.0.1:1' };

export default class RelayTest extends BaseCommand {
  static override summary = 'Deliver one sample event to a target, once.';
  static override description = prose`
    The event is a presence.session.started of the user test-user, signed and encoded like all others. Needs no
    daemon, and stores nothing. The exit code is 3 if the target does not acknowledge it.

    JSON: {"target", "id", "acknowledged"}.
  `;
  static override examples = [
    {
      description: 'A webhook on this machine',
      command: '<%= config.bin %> <%= command.id %> --to http://127.0.0.1:8000/presence --allow-private',
    },
    {
      description: 'A Redis stream',
      command: '<%= config.bin %> <%= command.id %> --to redis://10.0.0.9:6379/presence',
    },
  ];
  static override flags = targetFlags;

  async run(): Promise<unknown> {
    const { flags } = await this.parse(RelayTest);
    const [{ openTarget }, { sampleEvent }, { DeliveryError }] = await Promise.all([
      import('../../relay/openTarget.js'),
      import('../../relay/sampleEvent.js'),
      import('../../relay/target.js'),
    ]);
    const target = await openTarget(
      flags.to,
      targetOptions(flags, (message) => this.logToStderr(message)),
    );
    const event = sampleEvent(randomUUID(), SAMPLE);
    try {
      await target.deliver([event], event.id, new AbortController().signal);
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      throw error.toImstateError();
    } finally {
      await target.close();
    }
    this.log(`${target.description} has acknowledged ${event.id}`);
    return { target: target.description, id: event.id, acknowledged: true };
  }
}
