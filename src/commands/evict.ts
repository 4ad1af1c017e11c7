import { Flags } from '@oclif/core';
import type { Client, EvictTarget } from 'imstate-client';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { checkTerminal, confirm, STANDARD_TERMINAL } from '../cli/base/confirm.js';
import { listenForStop } from '../cli/base/signals.js';
import { textFlag } from '../cli/flags/flagTypes.js';
import { prose } from '../cli/help/prose.js';
import {
  confirmedTarget,
  type Evicted,
  evictAll,
  evictedJson,
  nameOf,
  sessionsOf,
  type TargetWords,
  targetOf,
  withFlags,
} from '../cli/input/eviction.js';
import type { Line } from '../cli/input/lines.js';
import { count } from '../cli/output/count.js';
import { REASON_IGNORED } from '../cli/output/ignoredFields.js';
import { Progress } from '../cli/output/progress.js';

export default class Evict extends ClientCommand {
  static override summary = 'End the sessions of a user, a device or a chat server.';
  static override description = prose`
    The sessions end with reason EVICTED. Their chat servers are notified to close the connections, and a
    repeated login does not start them again.

    The chat servers receive the text of --reason with the end of each session, and the history keeps it.

    The command asks for confirmation; without a terminal it needs --yes. If you answer no, the exit code
    is 1. JSON: {"evicted"}, the number of sessions; with
    --reason also {"reasonStored"}.

    With --file each line is a JSON object with userId and optionally deviceId and sessionId, or with
    serverAddr; and optionally reason, for which --reason is the default. Each record has one line of
    output, in the order of the file. The exit code is the highest of all records: 1 for one that had no
    session.
  `;
  static override usage = [
    '<%= command.id %> USER [DEVICE] [FLAGS]',
    '<%= command.id %> --server-addr HOST:PORT [FLAGS]',
    '<%= command.id %> --file FILE [FLAGS]',
  ];
  static override examples = [
    {
      description: 'One session, if it is still current',
      command: '<%= config.bin %> <%= command.id %> alice phone --session s-1',
    },
    {
      description: 'A stolen phone, with the reason for its chat server and the audit',
      command: '<%= config.bin %> <%= command.id %> alice phone --reason "reported stolen"',
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
    reason: textFlag({
      description: 'why, for chat servers, history and audit',
      helpValue: 'TEXT',
    }),
    file: textFlag({
      description: 'evictions, a JSON object per line; - for stdin',
      helpValue: 'FILE',
    }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask for confirmation' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Evict);
    const { file, reason, yes } = flags;
    if (!yes) checkTerminal(STANDARD_TERMINAL);
    if (file !== undefined) {
      checkFileAlone(withFlags(args, flags), file, yes);
      return this.withClient(flags, (client) => this.#many(client, file, reason, yes));
    }
    const target = targetOf(withFlags(args, flags));
    return this.withClient(flags, async (client) => {
      if (yes) return this.#one(client, target, reason);
      await client.checkEvict();
      // Once: what ends is what was confirmed.
      const confirmed = await confirmedTarget(client, target);
      if (await confirm(await questionFor(client, target, confirmed), STANDARD_TERMINAL))
        return this.#one(client, confirmed, reason);
      return this.#declined();
    });
  }

  async #one(client: Client, target: EvictTarget | undefined, reasonText: string | undefined) {
    if (target === undefined) return this.#report({ evicted: 0, reasonStored: undefined });
    const progress = new Progress('session', true);
    try {
      const add = (sessions: number) => progress.add(sessions);
      return this.#report(await evictKnown(client, target, reasonText, add));
    } finally {
      progress.end();
    }
  }

  #report(result: Evicted) {
    this.log(`${count(result.evicted, 'session was', 'sessions were')} evicted`);
    if (result.reasonStored === false) this.logToStderr(REASON_IGNORED);
    return evictedJson(result);
  }

  #declined() {
    this.log('nothing was evicted');
    process.exitCode = 1;
    return { evicted: 0 };
  }

  /** Prints line by line; under --json oclif prints nothing for a command that returns nothing. */
  async #many(client: Client, file: string, reason: string | undefined, yes: boolean): Promise<unknown> {
    const [{ recordsOf, runBatch }, { evictBatch }] = await Promise.all([
      import('../cli/input/batch.js'),
      import('../cli/input/evictBatch.js'),
    ]);
    const { stop, release } = listenForStop();
    try {
      let records = recordsOf(file, stop);
      if (!yes) {
        await client.checkEvict();
        // Read once: what ends is what was confirmed, and a pipe cannot be read again.
        const confirmed: Line[] = [];
        for await (const record of records) confirmed.push(record);
        if (!stop.aborted) {
          const question = `End the sessions of ${count(confirmed.length, 'record')} of ${file}?`;
          if (!(await confirm(question, STANDARD_TERMINAL))) return this.#declined();
          records = again(confirmed);
        }
      }
      const source = { records, isJson: this.jsonEnabled(), stop };
      process.exitCode = await runBatch(evictBatch(source, reason, client));
      return undefined;
    } finally {
      release();
    }
  }
}

/** A daemon before 0.2.0 knows no devices as targets: names the current session instead. */
async function evictKnown(
  client: Client,
  target: EvictTarget,
  reasonText: string | undefined,
  onEvicted: (sessions: number) => void,
): Promise<Evicted> {
  try {
    return await evictAll(client, { ...target, reasonText }, undefined, onEvicted);
  } catch (error) {
    if (!('device' in target) || !(error instanceof ImstateError) || error.code !== 'UNIMPLEMENTED')
      throw error;
    const session = await confirmedTarget(client, target);
    if (session === undefined) return { evicted: 0, reasonStored: undefined };
    return evictAll(client, { ...session, reasonText }, undefined, onEvicted);
  }
}

async function* again(records: Line[]): AsyncGenerator<Line> {
  yield* records;
}

function checkFileAlone(words: TargetWords, file: string, yes: boolean): void {
  if (Object.values(words).some((word) => word !== undefined)) {
    const message =
      '--file takes its targets from its records: leave USER, DEVICE, --session and --server-addr out';
    throw new ImstateError('WRONG_USAGE', message, { field: '--file' });
  }
  if (file === '-' && !yes) {
    const message = '--file - reads standard input, which cannot answer a question: add --yes';
    throw new ImstateError('WRONG_USAGE', message, { field: '--file' });
  }
}

async function questionFor(
  client: Client,
  target: EvictTarget,
  confirmed: EvictTarget | undefined,
): Promise<string> {
  const sessions = confirmed === undefined ? 0 : await sessionsOf(client, confirmed);
  return `End ${count(sessions, 'session')} of ${nameOf(target)}?`;
}
