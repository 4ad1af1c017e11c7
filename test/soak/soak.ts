import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../packages/client/src/index.ts';
import { Random } from '../../src/simulation/random.ts';
import { Crowd } from '../e2e/races/crowd.ts';
import { Faults } from './faults.ts';
import { Installation } from './installation.ts';
import { newProbeCounts, Probe, type ProbeCounts } from './probe.ts';

/** How to soak. */
export interface SoakOptions {
  seed: number;
  /** How long; the round that is under way then comes to its end. */
  minutes: number;
  /** Ends it early, in the same way. */
  stop: AbortSignal;
  log(line: string): void;
}

/** What came of it. */
export interface SoakReport {
  seconds: number;
  rounds: number;
  /** Connections and disconnections of the crowds' devices. */
  operations: number;
  /** Changes that the watchers of the crowds were told. */
  told: number;
  probes: ProbeCounts;
  faults: Record<string, number>;
  /** Resident memory of the daemons in MiB: ready, after the first round, at the end. The first of them runs all the time. */
  memory: Record<'start' | 'warm' | 'end', number[]>;
  /** Whatever was not as it should be, in words. */
  wrong: string[];
}

const DAEMONS = 3;
const PROBES = 12;
/** A round is this long under load, then all is quiet and compared. */
const ROUND_MS = 120_000;
/** Between two operations of a crowd: about 150 a second. */
const STEP_MS = 6;

/**
 * Rounds of mixed load with faults, on one installation: a crowd lives as in the races, and when all is quiet the state
 * must be the truth; probes look all along whether each answer is the last change.
 */
export async function runSoak({ seed, minutes, stop, log }: SoakOptions): Promise<SoakReport> {
  const random = new Random(seed);
  const installation = await Installation.start(DAEMONS);
  const memory = () => Promise.all(installation.nodes.map((node) => node.memory()));
  const ready = await memory();
  const faults = new Faults(installation, random);
  const report: SoakReport = {
    seconds: 0,
    rounds: 0,
    operations: 0,
    told: 0,
    probes: newProbeCounts(),
    faults: faults.counts,
    memory: { start: ready, warm: ready, end: ready },
    wrong: installation.wrong,
  };
  const begun = Date.now();
  try {
    while (Date.now() - begun < minutes * 60_000 && !stop.aborted && report.wrong.length === 0) {
      await runRound({ installation, random, faults, report, stop });
      report.rounds += 1;
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
    await installation.stop();
  }
}

interface Round {
  installation: Installation;
  random: Random;
  faults: Faults;
  report: SoakReport;
  stop: AbortSignal;
}

async function runRound({ installation, random, faults, report, stop }: Round): Promise<void> {
  const { daemons, nodes } = installation;
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
    report.told += crowd.changes;
    await crowd.leave();
    for (const node of nodes) node.readLog();
  } finally {
    over.abort();
    await crowd.close();
    await client.close();
  }
}
