// Measures `imstate query alice` from process start to exit, compared with `node -e 0`: with a daemon on the
// embedded store, with and without the code cache of an earlier process. Rounds alternate. Prints a table, or
// JSON with --json.
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
  /** The cache directory. Nothing is cached in one that does not exist. */
  cache: string;
  ms: number[];
}

const directory = await mkdtemp(join(tmpdir(), 'imstate-bench-'));
const cache = join(directory, 'cache');
await mkdir(cache);
const flags = ['--port', '0', '--data-dir', directory, '--json'];
const daemon = await launch(['bin/run.js', 'serve', ...flags]);
const query = ['bin/run.js', 'query', 'alice', '--endpoint', daemon.addr];
const bare: Program = { name: 'node -e 0', args: ['-e', '0'], cache, ms: [] };
const programs: Program[] = [
  bare,
  { name: 'imstate query', args: query, cache, ms: [] },
  { name: 'imstate query, no code cache', args: query, cache: join(directory, 'missing'), ms: [] },
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
  await rm(directory, { recursive: true, force: true });
}

/** Milliseconds from the start of a process to its exit. Throws if it fails. */
async function run(args: string[], cache: string): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, XDG_CACHE_HOME: cache },
  });
  child.stdout.resume();
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}`);
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
      `Node.js ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${ROUNDS} rounds; ratio: min / median / max`,
    );
    console.table(rows);
  }
}

function spread(values: number[]): string {
  return [Math.min(...values), median(values), Math.max(...values)]
    .map((value) => value.toFixed(2))
    .join(' / ');
}
