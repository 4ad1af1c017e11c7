import { Flags } from '@oclif/core';
import { DRAIN_DEFAULTS } from 'imstate-client/internal/defaults';
import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { EXIT_BY_SIGNAL, listenForStop } from '../cli/base/signals.js';
import { type DrainOutcome, waitForDrain } from '../cli/base/waitForDrain.js';
import { formatDuration } from '../cli/flags/durations.js';
import { durationDefault, durationFlag } from '../cli/flags/flagTypes.js';
import { prose } from '../cli/help/prose.js';
import { count } from '../cli/output/count.js';
import { wrongUsage } from '../cli/output/report.js';

const HOUR_MS = 3_600_000;

export default class Drain extends ClientCommand {
  static override summary = 'Move the sessions of a chat server to others, before it stops.';
  static override description = prose`
    The chat server is asked to close its connections within --over, evenly. A device that logs in at another
    chat server within --grace was never offline for anybody: watches receive a change with "moved". The lease
    of the chat server is DRAINING meanwhile. Needs the role writer; a writer that is bound to chat servers may
    drain no other. A second drain replaces the first one.

    --wait waits until the chat server has no session left, also while no daemon answers, and shows the progress
    on a terminal. The exit code is 1 if sessions are left 10 s after --over and --grace, if a restart or --cancel
    ended the drain, or if the chat server lost its lease. Ctrl-C ends the waiting, not the drain.

    JSON: {"serverAddr", "sessions", "deadline", "partial"}; with --wait also "outcome", which is drained, late,
    ended, lost or stopped, and "left". sessions is the number at the beginning; deadline is null with --cancel;
    partial is true if part of the store does not answer, and the call has to be repeated.
  `;
  static override examples = [
    {
      description: 'Before a deployment: two minutes, then stop the process',
      command: '<%= config.bin %> <%= command.id %> 10.0.0.1:9000 --over 2m --wait',
    },
    { description: 'Stop a drain', command: '<%= config.bin %> <%= command.id %> 10.0.0.1:9000 --cancel' },
  ];
  static override args = {
    server: textArg({ description: 'the chat server, HOST:PORT', required: true }),
  };
  static override flags = {
    over: durationFlag({
      description: 'time within which to close all sessions',
      env: 'IMSTATE_OVER',
      ...durationDefault(DRAIN_DEFAULTS.overMs),
      min: 0,
      max: HOUR_MS,
      helpValue: 'TIME',
    }),
    grace: durationFlag({
      description: 'how long a device stays online that has not logged in elsewhere',
      env: 'IMSTATE_GRACE',
      ...durationDefault(DRAIN_DEFAULTS.graceMs),
      min: 0,
      max: HOUR_MS,
      helpValue: 'TIME',
    }),
    wait: Flags.boolean({ description: 'wait until no session is left', env: 'IMSTATE_WAIT' }),
    cancel: Flags.boolean({ description: 'cancel the drain of the chat server' }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Drain);
    const { server: serverAddr } = args;
    const { over: overMs, grace: graceMs, wait, cancel } = flags;
    if (cancel && wait) throw wrongUsage('--cancel cannot be combined with --wait');
    return this.withClient(flags, async (client) => {
      const { sessions, deadline, partial } = await client.drainServer({
        serverAddr,
        overMs,
        graceMs,
        cancel,
      });
      if (partial) this.#warnOfPartial();
      const json = { serverAddr, sessions, deadline: deadline?.toISOString() ?? null, partial };
      if (cancel) {
        this.log(`${serverAddr} does not drain any more; it has ${count(sessions, 'session')}`);
        return json;
      }
      this.log(`${serverAddr} closes ${count(sessions, 'session')} within ${formatDuration(overMs)}`);
      if (!wait) return json;
      const { stop, release } = listenForStop();
      try {
        const end = await waitForDrain(client, { serverAddr, sessions, overMs, graceMs }, stop);
        this.#report(serverAddr, end);
        return { ...json, outcome: end.outcome, left: end.left };
      } finally {
        release();
      }
    });
  }

  #warnOfPartial(): void {
    process.exitCode = 1;
    this.logToStderr('part of the store does not answer: repeat the call when it does; run imstate doctor');
  }

  #report(serverAddr: string, { outcome, left }: DrainOutcome): void {
    const sessions = count(left, 'session');
    switch (outcome) {
      case 'drained':
        this.log(`${serverAddr} has no sessions left`);
        return;
      case 'stopped':
        process.exitCode = EXIT_BY_SIGNAL;
        this.logToStderr(`${serverAddr} drains on, with ${sessions} left: --cancel stops it`);
        return;
      case 'ended':
        process.exitCode = 1;
        this.logToStderr(
          `the drain of ${serverAddr} has ended, by --cancel or a restart, with ${sessions} left`,
        );
        return;
      case 'lost':
        process.exitCode = 1;
        this.logToStderr(`${serverAddr} lost its lease, which ended its sessions: look at its log`);
        return;
      case 'late':
        process.exitCode = 1;
        this.logToStderr(
          `${serverAddr} has ${sessions} left: does it close connections when it drains (onDrain)? ` +
            `End them with imstate evict --server-addr ${serverAddr}`,
        );
    }
  }
}
