import { BaseCommand } from '../cli/base/BaseCommand.js';
import { startDemoDaemon } from '../cli/base/demoDaemon.js';
import { listenForStop } from '../cli/base/signals.js';
import { durationFlag } from '../cli/flags/flagTypes.js';
import { MAX_DURATION_MS, runFlags, seedOf } from '../cli/flags/simulationFlags.js';
import { prose } from '../cli/help/prose.js';
import { type DemoScene, showDemo } from '../cli/output/demoView.js';
import { describePlan, summaryJson, summaryLines, summaryNotices } from '../cli/output/simulationReport.js';
import { PLAN_DEFAULTS } from '../simulation/plan.js';

export default class Demo extends BaseCommand {
  static override summary = 'Run simulated traffic against a temporary daemon, and watch it.';
  static override description = prose`
    The daemon has a free port and a temporary directory; nothing remains at the end. The traffic is that
    of imstate simulate with its defaults. Ctrl-C ends the demo with a summary.

    The first lines show a command that watches the same users in another terminal.
  `;
  static override examples = [
    { description: 'Until Ctrl-C', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'The same 20 seconds each time',
      command: '<%= config.bin %> <%= command.id %> --seed 1 --duration 20s',
    },
  ];
  static override flags = {
    ...runFlags,
    duration: durationFlag({
      description: 'time to run [default: until Ctrl-C]',
      env: 'IMSTATE_DURATION',
      min: 0,
      max: MAX_DURATION_MS,
      helpValue: 'TIME',
    }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Demo);
    const { Simulation } = await import('../simulation/simulation.js');
    const { connect } = await import('imstate-client');
    const { stop, release } = listenForStop();
    const daemon = await startDemoDaemon();
    try {
      const { addr } = daemon;
      const plan = { ...PLAN_DEFAULTS, durationMs: flags.duration || Infinity, seed: seedOf(flags) };
      const simulation = new Simulation(plan, () => connect({ endpoints: [addr] }));
      this.logToStderr(
        `${describePlan(simulation)}\nin another terminal: imstate watch --all --endpoint ${addr}`,
      );
      return await this.#play({ simulation, addr }, stop);
    } finally {
      await daemon.stop();
      release();
    }
  }

  /** Runs the simulation and its view; whichever ends first ends the other. */
  async #play(scene: DemoScene, stop: AbortSignal): Promise<object> {
    const { simulation } = scene;
    const over = new AbortController();
    const end = () => over.abort();
    if (stop.aborted) end();
    stop.addEventListener('abort', end, { once: true });
    const running = simulation.run(over.signal).finally(end);
    const [ending] = await Promise.all([running, showDemo(scene, over).finally(end)]);
    for (const line of summaryLines(simulation, ending)) this.log(line);
    for (const notice of summaryNotices(simulation, ending)) this.logToStderr(`warning: ${notice}`);
    return summaryJson(simulation, ending);
  }
}
