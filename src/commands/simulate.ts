import type { ConnectOptions } from 'imstate-client';
import { ClientCommand, type ClientFlags } from '../cli/base/ClientCommand.js';
import { listenForStop } from '../cli/base/signals.js';
import { assertionsOf, planFlags, planOf } from '../cli/flags/simulationFlags.js';
import { prose } from '../cli/help/prose.js';
import { LiveLine } from '../cli/output/liveLine.js';
import { describePlan, summaryJson, summaryLines, summaryNotices } from '../cli/output/simulationReport.js';
import { showProgress } from '../cli/output/simulationView.js';
import { judge } from '../simulation/assertion.js';

export default class Simulate extends ClientCommand {
  static override summary = 'Simulate chat servers and users, and measure the daemons.';
  static override description = prose`
    Chat servers keep leases, log devices in and out, lose connections, crash and start again, while
    others query who is online. The same seed with the same flags gives the same logins, logouts, crashes
    and queries at the same times. Latency counts from when a call was due, so that a daemon that cannot
    keep up shows. At most 5,000 calls are in flight; calls that were due and never made count as missed.
    Percentiles are exact to 1 %.

    An assertion is METRIC OP VALUE. Compare p50, p95, p99 and max with a time (20ms), errors and missed
    with a number or a percentage (0.1%), and rate with answers per second. The prefix online., offline.
    or query. selects one kind of call. Separate assertions with commas. If one does not hold, the exit
    code is 1.

    The simulation touches only users and chat servers whose names begin with --prefix: give each of two
    simultaneous simulations its own. At the end, also after Ctrl-C, all of them log out, unless --keep is
    given. Logouts without an answer for 3 seconds are abandoned. With --json the output is one object at
    the end.
  `;
  static override examples = [
    { description: '30 seconds of a small population', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'In CI: the same each time, and an error if it is slow',
      command: "<%= config.bin %> <%= command.id %> --seed 1 --duration 20s --assert 'p99<50ms,errors==0'",
    },
    {
      description: 'Load, without crashes',
      command:
        '<%= config.bin %> <%= command.id %> --users 100000 --logins 2000 --queries 5000 --crash-every 0s',
    },
  ];
  static override flags = planFlags;

  readonly #line = new LiveLine();
  readonly #warned = new Set<string>();

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Simulate);
    const assertions = assertionsOf(flags);
    const { Simulation } = await import('../simulation/simulation.js');
    const { connect } = await import('imstate-client');
    const simulation = new Simulation(planOf(flags), () => connect(this.connectOptions(flags)));
    this.logToStderr(describePlan(simulation));
    const { stop, release } = listenForStop();
    const hide = showProgress(simulation, this.#line);
    try {
      const ending = await simulation.run(stop, flags);
      hide();
      const figures = simulation.results.figures(simulation.elapsedMs);
      const verdicts = assertions.map((assertion) => judge(assertion, figures));
      if (verdicts.some(({ holds }) => !holds)) process.exitCode = 1;
      for (const line of summaryLines(simulation, ending, verdicts)) this.log(line);
      for (const notice of summaryNotices(simulation, ending)) this.logToStderr(`warning: ${notice}`);
      return summaryJson(simulation, ending, verdicts);
    } finally {
      hide();
      release();
    }
  }

  /** All chat servers give the same warning: it is shown once. */
  protected override connectOptions(flags: ClientFlags): ConnectOptions {
    const warn = (message: string) => {
      if (this.#warned.has(message)) return;
      this.#warned.add(message);
      this.#line.end();
      this.logToStderr(`warning: ${message}`);
    };
    return { ...super.connectOptions(flags), log: { info: () => {}, warn } };
  }
}
