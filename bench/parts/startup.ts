// How long commands take to start: bench/startup.ts, which is a program of its own because it measures processes.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { definePart, type Row, say } from '../part.ts';

const PROGRAM = 'bench/startup.ts';

/** See the part's `about`. */
export const startup = definePart({
  name: 'startup',
  about: 'start of commands, beside node -e 0',
  options: {
    rounds: { short: 5, full: 20, about: 'how often each command is started' },
  },
  run: async ({ rounds }) => {
    if (!existsSync(PROGRAM)) {
      say(`startup: there is no ${PROGRAM}`);
      return [];
    }
    const args = ['--import', 'tsx', PROGRAM, '--json', '--rounds', rounds];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return (JSON.parse(stdout) as { rows: Row[] }).rows;
  },
});
