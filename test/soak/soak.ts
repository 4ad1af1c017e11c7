import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../packages/client/src/index.ts';
import { Random } from '../../src/simulation/random.ts';
import { Crowd } from '../e2e/races/crowd.ts';
import { Faults } from './faults.ts';
import { newProbeCounts, Probe, type ProbeCounts } from './probe.ts';
import { SoakCluster } from './soakCluster.ts';

/** Options of a soak test. */
export interface SoakOptions {
  seed: number;
  /** Duration. The last round is completed. */
  minutes: number;
  /** Ends the test early; the last round is completed. */
  stop: AbortSignal;
  log(line: string): void;
}

/** The result of a soak test. */
export interface SoakReport {
  seconds: number;
  rounds: number;
  /** Connections and disconnections of the crowds' devices. */
  operations: number;
  /** Changes that the watchers of the crowds received. */
  changes: number;
  probes: ProbeCounts;
  faults: Record<string, number>;
  /** Resident memory of the daemons in MiB. The first daemon is never restarted. */
  memory: Record<'start' | 'warm' | 'end', number[]>;
  /** Descriptions of everything that was wrong. */
  wrong: string[];
}

const DAEMONS = 3;
const PROBES = 12;
/** Duration of the load of a round, before the quiet time and the comparison. */
const ROUND_MS = 120_000;
/** Time between two operations of a crowd: about 150 per second. */
const STEP_MS = 6;

/**
 * Runs rounds of mixed load with faults on one cluster. A crowd connects and disconnects as in the race
 * tests; when everything is quiet, the state must match the actual connections. Probes check every response
 * during the load.
 */
export async function runSoak({ seed, minutes, stop, log }: SoakOptions): Promise<SoakReport> {
  const random = new Random(seed);
  const cluster = await SoakCluster.start(DAEMONS);
  const memory = () => Promise.all(cluster.nodes.map((node) => node.memory()));
  const ready = await memory();
  const faults = new Faults(cluster, random);
  const report: SoakReport = {
    seconds: 0,
    rounds: 0,
    operations: 0,
    changes: 0,
    probes: newProbeCounts(),
    faults: faults.counts,
    memory: { start: ready, warm: ready, end: ready },
    wrong: cluster.wrong,
  };
  const begun = Date.now();
  try {
    while (Date.now() - begun < minutes * 60_000 && !stop.aborted && report.wrong.length === 0) {
      await runRound({ cluster, random, faults, report, stop });
      report.rounds += 1;
      if (report.wrong.length > 0) break;
      report.memory.end = await memory();
      if (report.rounds === 1) report.memory.warm = report.memory.end;
      report.seconds = Math.round((Date.now() - begun) / 1_000);
      log(
        JSON.stringify({
          ...report,
          wrong: report.wrong.length,
          probes: { ...report.probes, wrong: undefined },
        }),
      );
    }
    return report;
  } finally {
    await cluster.stop();
  }
}

interface Round {
  cluster: SoakCluster;
  random: Random;
  faults: Faults;
  report: SoakReport;
  stop: AbortSignal;
}

async function runRound({ cluster, random, faults, report, stop }: Round): Promise<void> {
  const { daemons, nodes } = cluster;
  const over = new AbortController();
  const crowd = await Crowd.start({ random, daemons, number: report.rounds });
  const client = await connect(daemons);
  try {
    const until = Date.now() + ROUND_MS;
    const probes = Array.from({ length: PROBES }, (_, i) =>
      new Probe(`${report.rounds}-probe-${i}`, client, report.probes).run(over.signal),
    );
    const breaking = faults.run(crowd, over.signal);
    while (Date.now() < until && !stop.aborted) {
      await crowd.step();
      report.operations += 1;
      await delay(STEP_MS);
    }
    over.abort();
    await Promise.all([...probes, breaking]);
    await crowd.quiet();
    report.wrong.push(...(await crowd.compare()), ...report.probes.wrong);
    report.changes += crowd.changes;
    await crowd.leave();
    for (const node of nodes) node.readLog();
  } finally {
    over.abort();
    await crowd.close();
    await client.close();
  }
}
