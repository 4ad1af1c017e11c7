import { parseArgs } from 'node:util';
import { runSoak } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
console.log(`soak with --seed ${values.seed}, pid ${process.pid}; Ctrl-C ends it with its report`);
const report = await runSoak({
  seed: Number(values.seed),
  minutes: Number(values.minutes),
  stop: stop.signal,
  log: console.log,
});
const { probes, faults, memory, wrong } = report;
const sum = (counts: Record<string, number>) =>
  Object.values(counts).reduce((total, count) => total + count, 0);
console.table({
  'seconds, with the quiet times': report.seconds,
  rounds: report.rounds,
  'logins and logouts of the crowds': report.operations,
  'changes received by watchers': report.changes,
  'changes of the probes': probes.changes,
  'reads of the probes': probes.reads,
  'calls of the probes that failed': sum(probes.failed),
  faults: sum(faults),
  'wrong states': wrong.length,
});
console.table({
  ...faults,
  ...Object.fromEntries(Object.entries(probes.failed).map(([code, count]) => [`failed: ${code}`, count])),
});
console.table(memory);
for (const line of wrong.slice(0, 30)) console.log(line);
process.exitCode = wrong.length === 0 ? 0 : 1;
