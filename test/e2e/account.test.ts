import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchDirectory } from '../support/credentials.ts';
import { canChangeUser, folderOfUnknownUser, startAsUnknownUser as start } from '../support/unknownUser.ts';
import { until } from '../support/until.ts';

const HOMES: [string, () => Promise<Record<string, string>>][] = [
  ['without HOME', async () => ({})],
  ['with an empty HOME', async () => ({ HOME: '' })],
  ['with /dev/null as HOME', async () => ({ HOME: '/dev/null' })],
  ['with a missing HOME', async () => ({ HOME: '/nonexistent' })],
  ["with another user's HOME, which is read-only", async () => ({ HOME: await readOnlyFolder() })],
  ['with a HOME of its own', async () => ({ HOME: await folderOfUnknownUser() })],
];

describe.runIf(canChangeUser).each(HOMES)('a user without a passwd entry, %s', (name, home) => {
  test.each([
    { args: ['--version'], code: 0, shows: /^imstate\// },
    { args: ['query', '--help'], code: 0, shows: /USAGE/ },
    { args: ['completion', 'bash'], code: 0, shows: /imstate/ },
    { args: ['context', 'list'], code: 0, shows: /no contexts/ },
    { args: ['query', 'alice', '--endpoint', '127.0.0.1:1'], code: 3, shows: /127\.0\.0\.1:1/ },
    { args: ['query', 'alice'], code: 3, shows: /no daemon is registered|choose another --data-dir/ },
    { args: ['nonsense'], code: 2, shows: /nonsense/ },
  ])('runs $args', async ({ args, code, shows }) => {
    const child = start(args, await home());
    await until(() => child.exitCode() !== null, 'the command ends');
    expect({ code: child.exitCode(), output: child.output() }).toEqual({
      code,
      output: expect.stringMatching(shows),
    });
    expect(child.output()).not.toMatch(/SystemError|uv_os|\n\s+at /);
  });

  test('doctor reports what does not work', async () => {
    const child = start(['doctor'], await home());
    await until(() => child.exitCode() !== null, 'the command ends');
    expect([1, 3]).toContain(child.exitCode());
    expect(child.output()).toMatch(/registry embedded/);
    expect(child.output()).not.toMatch(/SystemError|uv_os|\n\s+at /);
  });

  test.skipIf(name.endsWith('its own'))(
    'cannot save contexts, and the error names the directories to set',
    async () => {
      const child = start(['context', 'set', 'here', '--endpoint', '127.0.0.1:1'], await home());
      await until(() => child.exitCode() !== null, 'the command ends');
      expect(child.exitCode()).toBe(2);
      expect(child.output()).toContain('set XDG_CONFIG_HOME to a directory that this user can write to');
    },
  );

  test('serves from a given data directory', async () => {
    const child = start(
      ['serve', '--port', '0', '--data-dir', join(await folderOfUnknownUser(), 'data')],
      await home(),
    );
    await until(() => child.output().includes('service') || child.exitCode() !== null, 'the daemon is ready');
    expect(child.output()).not.toContain('Error');
  });

  test.skipIf(name.endsWith('its own'))('must name a data directory', async () => {
    const child = start(['serve', '--port', '0'], await home());
    await until(() => child.exitCode() !== null, 'the command ends');
    expect(child.exitCode()).toBe(3);
    expect(child.output()).toMatch(/choose another with\s+--data-dir/);
  });
});

async function readOnlyFolder(): Promise<string> {
  const folder = join(await scratchDirectory(), 'home');
  await mkdir(folder);
  await chmod(folder, 0o555);
  return folder;
}
