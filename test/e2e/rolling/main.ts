import { parseArgs } from 'node:util';
import { dispose } from '../../support/disposables.ts';
import { rollOut } from './rolling.ts';

const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: '3' },
    sessions: { type: 'string', default: '1000' },
    'over-ms': { type: 'string', default: '30000' },
  },
});
const report = await rollOut({
  servers: Number(values.servers),
  sessionsPerServer: Number(values.sessions),
  overMs: Number(values['over-ms']),
  log: console.log,
}).finally(dispose);
console.log(JSON.stringify(report.changes));
process.exitCode = report.changes.offline === 0 && report.drains.every(({ peak }) => peak <= 1.2) ? 0 : 1;
