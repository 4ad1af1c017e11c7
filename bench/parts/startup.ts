// How long commands take to start: bench/startup.ts, which is a program of its own because it measures processes.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { definePart, makeRow, say } from '../part.ts';

const PROGRAM = 'bench/startup.ts';
const REFERENCE = 'node -e 0';

/** What it prints of a program; the ratio as "min / median / max". */
interface Started {
  program: string;
  medianMs: number;
  ratio: string;
}

/** See the part's `about`. */
export const startup = definePart({
  name: 'startup',
  about: `start of commands, beside ${REFERENCE}`,
  options: {
    rounds: { short: 5, full: 25, about: 'how often each is started' },
  },
  run: async ({ rounds }) => {
    if (!existsSync(PROGRAM)) {
      say(`startup: there is no ${PROGRAM}`);
      return [];
    }
    const args = ['--import', 'tsx', PROGRAM, '--json', '--rounds', rounds];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const started = (JSON.parse(stdout) as { rows: Started[] }).rows;
    const bare = started.find(({ program }) => program === REFERENCE)?.medianMs as number;
    return started
      .filter(({ program }) => program !== REFERENCE)
      .map(({ program, medianMs, ratio }) => {
        const [min, median, max] = ratio.split(' / ').map(Number) as [number, number, number];
        const reference = { name: REFERENCE, values: [bare] };
        const row = makeRow({ row: program, unit: 'ms', values: [medianMs], reference });
        return { ...row, ratio: { min, median, max } };
      });
  },
});
