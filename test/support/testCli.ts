import { afterAll, beforeAll } from 'vitest';
import { startTestDaemon, type TestDaemon } from './daemon.ts';
import { type CliResult, runCli } from './runCli.ts';

/** The commands of a test file, on its own daemon. */
export interface TestCli {
  readonly daemon: TestDaemon;
  /** Runs a command. */
  run(...args: string[]): Promise<CliResult>;
  /** Runs a command with --json, and parses its output. */
  json(...args: string[]): Promise<unknown>;
}

/** Starts a daemon for the calling test file, and stops it at the end. */
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
