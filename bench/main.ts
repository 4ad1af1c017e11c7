// Runs the benchmarks, prints the results as a table and writes them as JSON. A part is one benchmark.
//
//   npm run bench                          the fast parts, in a short form
//   npm run bench -- --full                all parts, in full
//   npm run bench -- unary apply           these parts in full, or in a short form with --short
//   npm run bench -- unary --rounds 3      one part with an option; --help lists the options
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import type { Part, Row } from './part.ts';
import { logProgress } from './part.ts';
import { parts } from './parts/index.ts';
import { otherCores, pin } from './processes.ts';
import { type Report, tableOf } from './report.ts';

const OWN_OPTIONS = {
  help: { type: 'boolean', short: 'h', default: false },
  full: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  out: { type: 'string' },
} as const;

const optionsOfParts = Object.fromEntries(
  parts.flatMap(({ options }) => Object.keys(options).map((name) => [name, { type: 'string' } as const])),
);
const { values, positionals } = parseArgs({
  options: { ...optionsOfParts, ...OWN_OPTIONS },
  allowPositionals: true,
});
const given = values as Record<string, unknown>;
const unknown = positionals.find((name) => !parts.some((part) => part.name === name));

if (values.help) help();
else if (unknown !== undefined) {
  logProgress(`unknown part: ${unknown}; the parts are ${parts.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else await runAll();

async function runAll(): Promise<void> {
  const isNamed = positionals.length > 0;
  const isFull = values.full || (isNamed && !values.short);
  const chosen = parts.filter(({ name, isLong }) =>
    isNamed ? positionals.includes(name) : isFull || !isLong,
  );
  const misplaced = Object.keys(given).find(
    (name) => !(name in OWN_OPTIONS) && !chosen.some(({ options }) => name in options),
  );
  if (misplaced !== undefined) throw new Error(`--${misplaced} is not an option of these parts`);
  // Child processes inherit this. Measured processes move to core 0.
  pin(process.pid, otherCores());
  const report: Report = {
    machine: describeMachine(),
    startedAt: new Date().toISOString(),
    options: {},
    rows: [],
  };
  const out = values.out ?? (isNamed ? `bench-results.${positionals.join('-')}.json` : 'bench-results.json');
  for (const part of chosen) {
    const settings = settingsOf(part, isFull);
    report.options[part.name] = settings;
    report.rows.push(...(await run(part, settings)));
    // Write after each part, so that a failing run keeps the results so far.
    await writeFile(out, `${JSON.stringify(report, null, 2)}\n`);
  }
  console.log(values.json ? JSON.stringify(report, null, 2) : tableOf(report));
  logProgress(`results written to ${out}`);
  if (report.rows.some(({ reached }) => reached === false)) process.exitCode = 1;
}

async function run(part: Part, settings: Record<string, string>): Promise<(Row & { part: string })[]> {
  logProgress(`${part.name}: ${part.about}`);
  try {
    return (await part.run(settings)).map((row) => ({ part: part.name, ...row }));
  } catch (error) {
    throw new Error(`${part.name} failed`, { cause: error });
  }
}

function settingsOf({ options }: Part, isFull: boolean): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { short, full }]) => [
      name,
      String(given[name] ?? (isFull ? full : short)),
    ]),
  );
}

function help(): void {
  console.log('npm run bench -- [PART…] [--full | --short] [--json] [--out FILE] [--OPTION VALUE…]\n');
  for (const { name, about, options, isLong } of parts) {
    console.log(`${name.padEnd(10)} ${about}${isLong ? ' (only if named, or with --full)' : ''}`);
    for (const [option, { short, full, about: what }] of Object.entries(options)) {
      console.log(`${''.padEnd(12)}--${option.padEnd(14)} ${what}: ${short}, with --full ${full}`);
    }
  }
}
