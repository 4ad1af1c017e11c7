import { afterAll, beforeAll } from 'vitest';
import { startTestDaemon, type TestDaemon } from './daemon.ts';
import { type CliResult, runCli } from './runCli.ts';

/** The commands of a test file, on a daemon of its own. */
export interface TestCli {
  readonly daemon: TestDaemon;
  /** Runs a command. */
  run(...args: string[]): Promise<CliResult>;
  /** Runs a command with --json, and reads what it printed. */
  json(...args: string[]): Promise<unknown>;
}

/** Starts a daemon for the test file that calls this, and stops it at its end. */
export function testCli(): TestCli {
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await startTestDaemon();
  });
  afterAll(() => daemon.remove());
  const run = (...args: string[]) =>
    runCli(args, { IMSTATE_DATA_DIR: daemon.dataDir, IMSTATE_TIMEOUT: '30s' });
  return {
    get daemon() {
      return daemon;
    },
    run,
    json: async (...args) => JSON.parse((await run(...args, '--json')).stdout),
  };
}

/** A time as --json prints it. */
export const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
