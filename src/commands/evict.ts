import { Flags } from '@oclif/core';
import type { Client, EvictRequest } from 'imstate-client';
import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { checkTerminal, confirm } from '../cli/base/confirm.js';
import { textFlag } from '../cli/flags/flagTypes.js';
import { prose } from '../cli/help/prose.js';
import {
  type EvictTarget,
  evictAll,
  nameOf,
  requestFor,
  sessionsOf,
  targetOf,
  withFlags,
} from '../cli/input/eviction.js';
import { count } from '../cli/output/count.js';

const TERMINAL = { input: process.stdin, output: process.stderr };

export default class Evict extends ClientCommand {
  static override summary = 'End the sessions of a user, a device or a chat server.';
  static override description = prose`
    The sessions end with reason EVICTED. Their chat servers are notified to close the connections, and a
    repeated login does not start them again.

    The command asks for confirmation; without a terminal it needs --yes. If you answer no, the exit code
    is 1. JSON: {"evicted"}, the number of sessions.
  `;
  static override usage = [
    '<%= command.id %> USER [DEVICE] [FLAGS]',
    '<%= command.id %> --server-addr HOST:PORT [FLAGS]',
  ];
  static override examples = [
    { description: 'All devices of alice', command: '<%= config.bin %> <%= command.id %> alice' },
    {
      description: 'One session, if it is still current',
      command: '<%= config.bin %> <%= command.id %> alice phone --session s-1',
    },
    {
      description: 'All sessions of a chat server, without confirmation',
      command: '<%= config.bin %> <%= command.id %> --server-addr 10.0.0.1:9000 --yes',
    },
  ];
  static override args = {
    user: textArg({ description: 'user ID' }),
    device: textArg({ description: 'device ID; all devices if omitted' }),
  };
  // None of them from the environment: a variable that was set for another command must not end sessions.
  static override flags = {
    session: textFlag({
      description: 'end this session of DEVICE only, if it is still current',
      helpValue: 'ID',
    }),
    'server-addr': textFlag({
      char: 's',
      description: 'end all sessions of this chat server',
      helpValue: 'HOST:PORT',
    }),
    user: textFlag({ description: 'alias of USER', helpValue: 'ID' }),
    device: textFlag({ description: 'alias of DEVICE', helpValue: 'ID' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask for confirmation' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Evict);
    const target = targetOf(withFlags(args, flags));
    if (!flags.yes) checkTerminal(TERMINAL);
    return this.withClient(flags, async (client) => {
      if (!flags.yes) await client.checkEvict();
      // Once: what ends is what was confirmed.
      const request = await requestFor(client, target);
      if (!flags.yes && !(await confirm(await questionFor(client, target, request), TERMINAL))) {
        this.log('nothing was evicted');
        process.exitCode = 1;
        return { evicted: 0 };
      }
      const evicted = request === undefined ? 0 : await evictAll(client, request);
      this.log(`${count(evicted, 'session was', 'sessions were')} evicted`);
      return { evicted };
    });
  }
}

async function questionFor(
  client: Client,
  target: EvictTarget,
  request: EvictRequest | undefined,
): Promise<string> {
  const sessions = request === undefined ? 0 : await sessionsOf(client, request);
  return `End ${count(sessions, 'session')} of ${nameOf(target)}?`;
}
