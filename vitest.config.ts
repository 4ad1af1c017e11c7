import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const client = fileURLToPath(new URL('./packages/client/src', import.meta.url));

const common = {
  // Generous on purpose: a test never depends on how fast the machine is.
  testTimeout: 60_000,
  hookTimeout: 60_000,
  pool: 'forks' as const,
  // The contexts of the user who runs the tests are not used: the directory does not exist.
  env: { XDG_CONFIG_HOME: join(tmpdir(), 'imstate-test-without-contexts') },
  // Commands print by console.log, which runCli reads from the streams.
  disableConsoleIntercept: true,
};

export default defineConfig({
  // Tests run the sources of the client, not its build.
  resolve: {
    alias: [
      { find: /^imstate-client$/, replacement: `${client}/index.ts` },
      { find: /^imstate-client\/internal\/(.*)$/, replacement: `${client}/$1.ts` },
    ],
  },
  test: {
    // More than the cores of CI, for tests wait for servers a third of the time.
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: {
          ...common,
          name: 'unit',
          pool: 'threads',
          isolate: false,
          include: ['test/unit/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'servers',
          include: ['test/{integration,e2e,faults,support}/**/*.test.ts'],
          globalSetup: ['test/support/globalSetup.ts'],
          setupFiles: ['test/support/setup.ts'],
          // Loading the modules anew for each file takes a fifth of the CPU time.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          ...common,
          // In a process of its own: it emits signals there, on which whatever else has run in it could exit.
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          globalSetup: ['test/support/globalSetup.ts'],
          setupFiles: ['test/support/setup.ts'],
        },
      },
    ],
  },
});
