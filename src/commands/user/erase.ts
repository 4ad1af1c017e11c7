import { Flags } from '@oclif/core';
import type { Client, EraseResult } from 'imstate-client';
import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { checkTerminal, confirm, STANDARD_TERMINAL } from '../../cli/base/confirm.js';
import { prose } from '../../cli/help/prose.js';
import { count } from '../../cli/output/count.js';

/** The least time for an erasure, which waits for watches. Milliseconds. */
const MIN_TIMEOUT_MS = 120_000;

export default class UserErase extends ClientCommand {
  static override summary = 'Erase everything that is kept of a user.';
  static override description = prose`
    Ends the sessions of the user, waits at most 10 seconds until watches have received that, removes the
    records, the history and the changes, and looks again. The audit trail has a pseudonym instead of the
    user ID. Needs the role admin. Close the account first: a device that logs in meanwhile stays, and the
    exit code is 1. The command may be repeated.

    docs/privacy.md lists what it cannot reach, such as backups and log files.

    The command asks for confirmation; without a terminal it needs --yes. If you answer no, the exit code
    is 1. JSON: {"sessionsEnded", "recordsErased", "changesErased", "auditRecordsRewritten", "entriesLeft",
    "devicesOnline"}, or {"erased": false} if you answer no.
  `;
  static override examples = [
    { description: 'After a question', command: '<%= config.bin %> <%= command.id %> alice' },
    { description: 'In a script', command: '<%= config.bin %> <%= command.id %> alice --yes --json' },
  ];
  static override args = { user: textArg({ description: 'user ID', required: true }) };
  // Not from the environment: a variable that was set for another command must not erase anybody.
  static override flags = {
    yes: Flags.boolean({ char: 'y', description: 'do not ask for confirmation' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(UserErase);
    const { user } = args;
    if (!flags.yes) checkTerminal(STANDARD_TERMINAL);
    return this.withClient(flags, async (client) => {
      if (!flags.yes && !(await confirm(await questionFor(client, user), STANDARD_TERMINAL))) {
        this.log('nothing was erased');
        process.exitCode = 1;
        return { erased: false };
      }
      const timeoutMs = Math.max(flags.timeout, MIN_TIMEOUT_MS);
      const result = await client.eraseUser(user, { timeoutMs });
      this.#print(user, result);
      if (result.devicesOnline > 0 || result.entriesLeft > 0) process.exitCode = 1;
      return result;
    });
  }

  #print(user: string, result: EraseResult): void {
    const { sessionsEnded, recordsErased, changesErased, auditRecordsRewritten } = result;
    this.log(
      `${user} was erased: ${count(sessionsEnded, 'session')} ended, ${count(recordsErased, 'record')} and ` +
        `${count(changesErased, 'change')} removed, ${count(auditRecordsRewritten, 'audit record')} rewritten`,
    );
    if (result.devicesOnline > 0)
      this.logToStderr(
        `${count(result.devicesOnline, 'device')} logged in meanwhile and stayed: close the account, then erase again`,
      );
    if (result.entriesLeft > 0)
      this.logToStderr(
        `${count(result.entriesLeft, 'entry', 'entries')} were written meanwhile: erase again`,
      );
  }
}

async function questionFor(client: Client, userId: string): Promise<string> {
  await client.checkEvict();
  const { devices } = await client.getUser({ userId });
  const online = devices.filter((device) => device.online).length;
  return `Erase everything that is kept of ${userId}, and end ${count(online, 'session')}? There is no way back.`;
}
