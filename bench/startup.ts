// How long `imstate query alice` takes as a whole process, beside `node -e 0`: against a daemon on the embedded store, with
// the compiled code that an earlier process kept, and without. Rounds alternate. Prints a table; --json for programs.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from './figures.ts';
import { launch } from './processes.ts';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '25' }, json: { type: 'boolean', default: false } },
});
const ROUNDS = Number(options.rounds);

interface Program {
  name: string;
  args: string[];
  /** Where the code is kept; it is not kept in a folder that is not there. */
  cache: string;
  ms: number[];
}

const folder = await mkdtemp(join(tmpdir(), 'imstate-bench-'));
const cache = join(folder, 'cache');
await mkdir(cache);
const flags = ['--port', '0', '--data-dir', folder, '--json'];
const daemon = await launch(['bin/run.js', 'serve', ...flags]);
const query = ['bin/run.js', 'query', 'alice', '--endpoint', daemon.addr];
const bare: Program = { name: 'node -e 0', args: ['-e', '0'], cache, ms: [] };
const programs: Program[] = [
  bare,
  { name: 'query', args: query, cache, ms: [] },
  { name: 'query, nothing kept', args: query, cache: join(folder, 'nowhere'), ms: [] },
];
try {
  await run(
    ['bin/run.js', 'online', 'alice', 'phone', '--server-addr', 's:1', '--endpoint', daemon.addr],
    cache,
  );
  for (const program of programs) await run(program.args, program.cache);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const program of round % 2 ? programs : [...programs].reverse()) {
      program.ms.push(await run(program.args, program.cache));
    }
    process.stderr.write(`round ${round} of ${ROUNDS}\n`);
  }
  report();
} finally {
  daemon.process.kill('SIGTERM');
  await rm(folder, { recursive: true, force: true });
}

/** Milliseconds from the start of a process to its end; it must end well. */
async function run(args: string[], cache: string): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, XDG_CACHE_HOME: cache },
  });
  child.stdout.resume();
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  return performance.now() - startedAt;
}

function report(): void {
  const rows = programs.map(({ name, ms }) => {
    const ratios = ms.map((value, round) => value / (bare.ms[round] as number));
    return { program: name, medianMs: Math.round(median(ms)), ratio: spread(ratios) };
  });
  if (options.json)
    console.log(
      JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, rounds: ROUNDS, rows }, null, 2),
    );
  else {
    console.log(
      `Node.js ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${ROUNDS} rounds; ratio: least / median / most`,
    );
    console.table(rows);
  }
}

function spread(values: number[]): string {
  return [Math.min(...values), median(values), Math.max(...values)]
    .map((value) => value.toFixed(2))
    .join(' / ');
}
