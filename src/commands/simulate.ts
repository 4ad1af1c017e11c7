import type { ConnectOptions } from 'imstate-client';
import { ClientCommand, type ClientFlags } from '../cli/base/ClientCommand.js';
import { listenForStop } from '../cli/base/signals.js';
import { assertionsOf, planFlags, planOf } from '../cli/flags/simulationFlags.js';
import { LiveLine } from '../cli/output/liveLine.js';
import { describePlan, summaryJson, summaryLines, summaryNotices } from '../cli/output/simulationReport.js';
import { showProgress } from '../cli/output/simulationView.js';
import { judge } from '../simulation/assertion.js';

export default class Simulate extends ClientCommand {
  static override summary = 'Let simulated chat servers and users use the daemons, and measure them.';
  static override description =
    'Chat servers keep leases, log devices in and out, lose flapping connections, crash and start again, while others ask who is online. The same seed with the same flags ' +
    'gives the same logins, logouts, crashes and queries at the same times. Times count from when a call was due, so that a daemon which cannot keep up shows; at most 5,000 calls ' +
    'are under way, and those that were due and never made are counted as missed. Percentiles are exact to 1 %.\n\n' +
    'An assertion is METRIC OP VALUE: p50, p95, p99 and max are compared with a time (20ms), errors and missed with a number or a share (0.1%), rate with answers a second; in front of the metric ' +
    'online., offline. or query. is for one kind of call. Commas part several. If one does not hold, the exit code is 1.\n\n' +
    'Only users and chat servers whose names begin with --prefix are touched. At the end, after Ctrl-C too, all of them are logged out, unless --keep leaves them online for an hour; logouts that nobody answers for 3 seconds are given up. ' +
    'With --json one object is printed at the end; nothing is before it.';
  static override examples = [
    { description: 'Half a minute of a small town', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'In CI: the same every time, and a failure if it is slow',
      command: `<%= config.bin %> <%= command.id %> --seed 1 --duration 20s --assert 'p99<50ms,errors==0'`,
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

  /** What one client warns of, those of all chat servers do: it is said once. */
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
