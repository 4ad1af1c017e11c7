import { Flags } from '@oclif/core';
import type { WatchEvent, WatchOptions } from 'imstate-client';
import { watchEventJson } from 'imstate-client/internal/json';
import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { printStream } from '../cli/base/stream.js';
import { textFlag } from '../cli/flags/flagTypes.js';
import { prose } from '../cli/help/prose.js';
import { addressList } from '../cli/input/addressList.js';
import { printable, printableJson, printableValue } from '../cli/output/printable.js';
import { wrongUsage } from '../cli/output/report.js';
import { WatchLines, watchNotice } from '../cli/output/watchReport.js';

export default class Watch extends ClientCommand {
  static override summary = 'Follow who comes online and goes offline.';
  static override description = prose`
    Prints a snapshot with a line per online device, then "synced", then each change exactly once, in
    order per user. If a daemon is lost, the watch continues on another one. If too many changes were
    missed, it prints a new snapshot. Stderr reports both. Ctrl-C ends the watch with exit code 0.

    With --json each line is an object of "type" snapshot, synced, change, progress, lagging, caughtUp,
    disconnected, reconnected or lost. Continue later with --resume and the last "revision": on any
    daemon, as long as it keeps the changes since then.
  `;
  static override usage = [
    '<%= command.id %> USER... [FLAGS]',
    '<%= command.id %> --server HOST:PORT,… [FLAGS]',
    '<%= command.id %> --all [FLAGS]',
  ];
  static override examples = [
    { description: 'Two users', command: '<%= config.bin %> <%= command.id %> alice bob' },
    {
      description: 'The sessions of a chat server, from now on',
      command: '<%= config.bin %> <%= command.id %> --server 10.0.0.1:9000 --no-initial',
    },
    {
      description: 'All users, as one JSON object per line',
      command: '<%= config.bin %> <%= command.id %> --all --json',
    },
  ];
  static override args = {
    user: textArg({ description: 'users to watch', multiple: true }),
  };
  static override flags = {
    server: textFlag({
      char: 's',
      description: 'watch the sessions of these chat servers',
      env: 'IMSTATE_SERVER',
      helpValue: 'HOST:PORT,…',
    }),
    all: Flags.boolean({ description: 'watch all users', env: 'IMSTATE_ALL' }),
    'no-initial': Flags.boolean({
      description: 'omit the snapshot',
      env: 'IMSTATE_NO_INITIAL',
    }),
    resume: textFlag({
      description: 'continue after this revision of an earlier watch',
      env: 'IMSTATE_RESUME',
      helpValue: 'REVISION',
    }),
    coalesce: Flags.boolean({
      description: 'if changes wait, send only the newest of a device',
      env: 'IMSTATE_COALESCE',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Watch);
    const options: WatchOptions = {
      ...targetOf(args.user ?? [], flags),
      initialState: !flags['no-initial'],
      resumeRevision: flags.resume,
      coalesce: flags.coalesce,
    };
    await this.withClient(flags, async (client) => {
      const watch = client.watch(options);
      const lines = new WatchLines();
      const toLines = (event: WatchEvent) => {
        const notice = watchNotice(event);
        if (notice !== undefined) process.stderr.write(`${printable(notice)}\n`);
        return this.jsonEnabled() ? [printableJson(watchEventJson(event))] : lines.of(printableValue(event));
      };
      const isRead = await printStream(watch, toLines, watch.close);
      if (watch.coalesced > 0) this.logToStderr(`${watch.coalesced} changes were omitted for newer ones`);
      if (isRead && watch.revision !== '')
        this.logToStderr(`to continue from here: --resume ${watch.revision}`);
    });
  }

  /** An error is a line too. */
  override logJson(json: unknown): void {
    process.stdout.write(`${printableJson(json)}\n`);
  }
}

function targetOf(
  users: string[],
  { server, all }: { server: string | undefined; all: boolean },
): Pick<WatchOptions, 'users' | 'servers' | 'everything'> {
  if ([users.length > 0, server, all].filter(Boolean).length !== 1) {
    throw wrongUsage('watch needs one of USER..., --server and --all');
  }
  if (server !== undefined) return { servers: addressList(server) };
  return all ? { everything: true } : { users };
}
