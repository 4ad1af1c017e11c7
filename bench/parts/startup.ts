// Start time of commands. Runs bench/startup.ts, which is a separate program because it measures processes.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { definePart, logProgress, makeRow } from '../part.ts';

const PROGRAM = 'bench/startup.ts';
const REFERENCE = 'node -e 0';

/** A row of its output; the ratio is "min / median / max". */
interface Started {
  program: string;
  medianMs: number;
  ratio: string;
}

/** See the part's `about`. */
export const startup = definePart({
  name: 'startup',
  about: `start time of short commands, compared with ${REFERENCE}`,
  options: {
    rounds: { short: 5, full: 25, about: 'rounds; each program starts once per round' },
  },
  run: async ({ rounds }) => {
    if (!existsSync(PROGRAM)) {
      logProgress(`startup: ${PROGRAM} does not exist`);
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
