import { BaseCommand } from '../cli/base/BaseCommand.js';
import { startDemoDaemon } from '../cli/base/demoDaemon.js';
import { listenForStop } from '../cli/base/signals.js';
import { durationFlag } from '../cli/flags/flags.js';
import { MAX_DURATION_MS, runFlags, seedOf } from '../cli/flags/simulationFlags.js';
import { type DemoScene, showDemo } from '../cli/output/demoView.js';
import { describePlan, summaryJson, summaryLines, summaryNotices } from '../cli/output/simulationReport.js';
import { PLAN_DEFAULTS } from '../simulation/plan.js';

export default class Demo extends BaseCommand {
  static override summary = 'Start a daemon of its own, let a small town use it, and look on.';
  static override description =
    'Nothing else is needed, and nothing is left behind: the daemon has a free port and a temporary folder, and both go at the end. The town is that of simulate, with its defaults. ' +
    'Ctrl-C ends it, with a summary.';
  static override examples = [
    { description: 'Until Ctrl-C', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'In a second terminal, with the address that it shows',
      command: '<%= config.bin %> watch --all --endpoint 127.0.0.1:40123',
    },
  ];
  static override flags = {
    ...runFlags,
    duration: durationFlag({
      description: 'how long it goes on; until Ctrl-C if it is left out, or 0s',
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
        `${describePlan(simulation)}\nlook on elsewhere: imstate watch --all --endpoint ${addr}`,
      );
      return await this.#play({ simulation, addr }, stop);
    } finally {
      await daemon.stop();
      release();
    }
  }

  /** The simulation and its view: whichever ends first ends the other. */
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
