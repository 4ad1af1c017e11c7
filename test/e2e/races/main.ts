import { parseArgs } from 'node:util';
import { runRace } from './race.ts';

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '100000' },
    'quiet-every': { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
console.log(`race with --seed ${values.seed}`);
const report = await runRace({
  seed: Number(values.seed),
  operations: Number(values.operations),
  quietEvery: Number(values['quiet-every']),
  log: console.log,
});
console.log(JSON.stringify({ ...report, wrong: report.wrong.length }));
for (const line of report.wrong.slice(0, 30)) console.log(line);
process.exitCode = report.wrong.length === 0 ? 0 : 1;
