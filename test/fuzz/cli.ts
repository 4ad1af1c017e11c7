import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { temporaryDirectory } from '../support/servers.ts';
import { commandCases, faultOfCommand } from './commands.ts';
import { corpus } from './corpus.ts';
import { faultsOfRecords, lines } from './records.ts';

/** How many cases to run with the daemon at `addr`, in addition to the saved command lines. */
export interface CliFuzz {
  addr: string;
  seed: number;
  commands: number;
  records: number;
  log?(line: string): void;
}

const RECORDS_OF_A_FILE = 1_000;
const LOG_EVERY = 200;

/** Runs random commands and files of records in this process; describes what was wrong, with the case. */
export async function fuzzCli({ addr, seed, commands, records, log }: CliFuzz): Promise<string[]> {
  const { path, remove } = await temporaryDirectory();
  const before = process.cwd();
  const folder = join(path, 'a/b');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'file'), '{"userId":"alice"}\n');
  process.chdir(folder);
  const wrong: string[] = [];
  try {
    for (let done = 0; done < records; done += RECORDS_OF_A_FILE) {
      const some = fc.sample(lines, {
        numRuns: Math.min(records - done, RECORDS_OF_A_FILE),
        seed: seed + done,
      });
      const file = join(folder, 'records.ndjson');
      await writeFile(file, Buffer.concat(some.flatMap((line) => [line, Buffer.from('\n')])));
      wrong.push(...(await faultsOfRecords(file, some, addr)));
    }
    log?.(`${records} records`);
    const cases = [...corpus.commands, ...fc.sample(commandCases, { numRuns: commands, seed })];
    for (const [i, each] of cases.entries()) {
      const fault = await faultOfCommand(each, { addr, folder });
      if (fault !== undefined) wrong.push(`${fault}: ${JSON.stringify(each)}`);
      if ((i + 1) % LOG_EVERY === 0) log?.(`${i + 1} commands`);
    }
    return wrong;
  } finally {
    process.chdir(before);
    await remove();
  }
}
