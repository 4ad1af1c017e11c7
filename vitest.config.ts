import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/globalSetup.ts'],
    // Generous on purpose: a test never depends on how fast the machine is.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // The contexts of who runs the tests are not theirs: nothing is there.
    env: { XDG_CONFIG_HOME: join(tmpdir(), 'imstate-test-without-contexts') },
    // More than the cores of CI, for tests wait for servers a third of the time.
    maxWorkers: 3,
    // Commands print by console.log, which runCli reads from the streams.
    disableConsoleIntercept: true,
  },
});
