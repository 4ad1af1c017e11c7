import { Flags } from '@oclif/core';
import type { Client, EvictRequest } from 'imstate-client';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { checkTerminal, confirm } from '../cli/base/confirm.js';
import { textFlag } from '../cli/flags/flags.js';
import { evictAll, nameOf, sessionsOf, targetOf } from '../cli/input/eviction.js';
import { count } from '../cli/output/count.js';

export default class Evict extends ClientCommand {
  static override summary = 'End the sessions of a chat server or of a user, or one session.';
  static override description =
    'They end with reason EVICTED, and do not begin again when their chat server repeats the login: it is told to close the connection. ' +
    'The command asks before it acts; where there is no terminal to ask on it needs --yes. A no ends it with exit code 1. As JSON: {"evicted"}, the number of sessions.';
  static override examples = [
    {
      description: 'Everything on a chat server, without asking',
      command: '<%= config.bin %> <%= command.id %> --server-addr 10.0.0.1:9000 --yes',
    },
    { description: 'All devices of alice', command: '<%= config.bin %> <%= command.id %> --user alice' },
    {
      description: 'One session',
      command: '<%= config.bin %> <%= command.id %> --user alice --device phone --session s-1',
    },
  ];
  // None of them from the environment: a variable that was set for another command must not end sessions.
  static override flags = {
    'server-addr': textFlag({
      description: 'end all sessions of this chat server',
      helpValue: 'HOST:PORT',
    }),
    user: textFlag({
      description: 'end all sessions of this user, or the one that --device and --session name',
      helpValue: 'ID',
    }),
    device: textFlag({
      description: 'device of the session to end',
      helpValue: 'ID',
    }),
    session: textFlag({
      description: 'end this session, if it is still current',
      helpValue: 'ID',
    }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Evict);
    const target = targetOf(flags);
    return this.withClient(flags, async (client) => {
      if (!flags.yes && !(await this.#isWanted(client, target))) {
        this.log('nothing was evicted');
        process.exitCode = 1;
        return { evicted: 0 };
      }
      const evicted = await evictAll(client, target);
      this.log(`${count(evicted, 'session was', 'sessions were')} evicted`);
      return { evicted };
    });
  }

  async #isWanted(client: Client, target: EvictRequest): Promise<boolean> {
    const terminal = { input: process.stdin, output: process.stderr };
    checkTerminal(terminal);
    await client.checkEvict();
    const what = count(await sessionsOf(client, target), 'session');
    return confirm(`End ${what} of ${nameOf(target)}?`, terminal);
  }
}
