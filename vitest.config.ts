import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/globalSetup.ts'],
    // Generous on purpose: a test never depends on how fast the machine is.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    // Commands print by console.log, which runCli reads from the streams.
    disableConsoleIntercept: true,
  },
});
