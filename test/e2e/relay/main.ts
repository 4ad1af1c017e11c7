import { parseArgs } from 'node:util';
import { dispose } from '../../support/disposables.ts';
import { maxDuplicates, race } from './race.ts';

const { values } = parseArgs({ options: { changes: { type: 'string', default: '100000' } } });
const report = await race({ changes: Number(values.changes), log: console.log }).finally(dispose);
console.log(JSON.stringify(report));
const isRight = report.received === report.changes && report.wrongUsers.length === 0;
process.exitCode = isRight && report.duplicates <= maxDuplicates(report) ? 0 : 1;
